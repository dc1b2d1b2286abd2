import type { Frame } from 'playwright'
import { describe, expect, test } from 'vitest'
import type { Tab } from './browser.ts'
import type { Kind } from './recorder.ts'
import type { TestServer } from './server.ts'
import { ESSENTIAL, useBrowser } from './stage.ts'

const stage = useBrowser()

const WORKER_SOURCES = [
  { name: 'EventSource', kind: 'EventSource', host: '' },
  { name: 'SharedEventSource', kind: 'SharedEventSource', host: 'auto' },
  { name: 'SharedEventSource, leader', kind: 'SharedEventSource', host: 'leader' },
  { name: 'SharedEventSource, direct', kind: 'SharedEventSource', host: 'direct' },
] as const

describe.each(WORKER_SOURCES)('$name in a dedicated worker', ({ kind, host }) => {
  test('resolves URLs against the script, receives, reconnects and closes', ESSENTIAL, async () => {
    const { server, open } = await stage()
    const channel = server.channel('any')
    const tab = await open('/page?native')
    await startWorker(server, tab, kind, host)
    await channel.waitForConnections(1)
    channel.send({ data: 'x', id: 'é' })
    await waitForNote(tab, 'x é')
    channel.cut()
    await waitForNote(tab, 'open', 2)
    channel.send({ data: 'last', id: '2' })
    await waitForNote(tab, 'closed')
    await channel.waitForConnections(0)
    expect(await tab.page.evaluate(() => notes)).toEqual([
      server.url('/events/any'),
      'open',
      `x é ${server.origin} true`,
      'error 0',
      'open',
      `last 2 ${server.origin} true`,
      'closed 2',
    ])
    expect(channel.requests.map(({ lastEventId }) => lastEventId)).toEqual([undefined, 'é'])
  })

  test('ends with the worker', async () => {
    const { server, open } = await stage()
    const channel = server.channel('any')
    const tab = await open('/page?native')
    await startWorker(server, tab, kind, host)
    await channel.waitForConnections(1)
    await tab.page.evaluate(() => worker.terminate())
    await channel.waitForConnections(0)
  })
})

describe.each([
  { name: 'EventSource', kind: 'EventSource', page: '/page?native', shares: false },
  {
    name: 'SharedEventSource, shared-worker',
    kind: 'SharedEventSource',
    page: '/page?host=shared-worker',
    shares: true,
  },
  { name: 'SharedEventSource, leader', kind: 'SharedEventSource', page: '/page?host=leader', shares: true },
  { name: 'SharedEventSource, direct', kind: 'SharedEventSource', page: '/page?host=direct', shares: false },
] as const)('$name in a frame', ({ kind, page, shares }) => {
  test('receives as the page around it does, until the frame is taken out', ESSENTIAL, async () => {
    const { server, open } = await stage()
    const channel = server.channel('any')
    const tab = await open(page)
    const outside = await listenIn(tab.page.mainFrame(), kind)
    await outside.until('open')
    const frame = await addFrame(tab, page)
    const inside = await listenIn(frame, kind)
    await inside.until('open')
    expect(channel.connections).toBe(shares ? 1 : 2)
    channel.send({ data: '1' })
    expect(await outside.until('1')).toEqual(['open', `1 ${server.origin}`])
    expect(await inside.until('1')).toEqual(['open', `1 ${server.origin}`])
    await tab.page.evaluate(() => document.querySelector('iframe')?.remove())
    await channel.waitForConnections(1)
    channel.send({ data: '2' })
    expect(await outside.until('2')).toEqual(['open', `1 ${server.origin}`, `2 ${server.origin}`])
  })
})

describe.each([
  { name: 'EventSource', kind: 'EventSource', page: '/page?native' },
  { name: 'SharedEventSource', kind: 'SharedEventSource', page: '/page?global' },
  { name: 'SharedEventSource, direct', kind: 'SharedEventSource', page: '/page?global&host=direct' },
] as const)('$name in a sandboxed frame', ({ kind, page }) => {
  test('is of an opaque origin: it receives what the server lets everybody read', async () => {
    const { server, open } = await stage()
    const channel = server.channel('any')
    channel.headers = { 'access-control-allow-origin': '*' }
    const frame = await addFrame(await open('/page?native'), page, 'allow-scripts')
    const inside = await listenIn(frame, kind)
    await inside.until('open')
    channel.send({ data: '1' })
    expect(await inside.until('1')).toEqual(['open', `1 ${server.origin}`])
    expect(channel.requests.map(({ headers }) => headers.origin)).toEqual(['null'])
    channel.cut()
    await channel.until(() => channel.requests.length === 2, 'a second request')
    expect(channel.requests[1]?.lastEventId).toBe('1')
  })

  test('is not given what the server does not let it read', async () => {
    const { server, open } = await stage()
    const frame = await addFrame(await open('/page?native'), page, 'allow-scripts')
    const inside = await listenIn(frame, kind)
    expect(await inside.until('error')).not.toContain('open')
    expect(server.channel('any').requests[0]?.headers.origin).toBe('null')
  })
})

declare global {
  var notes: string[]
  var worker: Worker
}

/** Starts a worker with a source, whose events are noted in `notes` of the page. */
async function startWorker(server: TestServer, tab: Tab, kind: Kind, host: string): Promise<void> {
  const choice =
    kind === 'EventSource'
      ? 'const Source = EventSource'
      : `import { configure, SharedEventSource as Source } from '/tabstream/index.js'
         configure({ host: '${host}' })`
  const script = `${choice}
    const source = new Source('any')
    postMessage(source.url)
    source.onopen = () => postMessage('open')
    source.onerror = () => postMessage('error ' + source.readyState)
    source.addEventListener('message', (event) => {
      const { data, lastEventId, origin } = event
      postMessage([data, lastEventId, origin, event instanceof MessageEvent].join(' '))
      if (data !== 'last') return
      source.close()
      postMessage('closed ' + source.readyState)
    })`
  // Beside the stream, so that a relative URL tells the script's from the page's.
  server.answer('/events/worker.js', (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/javascript' }).end(script)
  })
  await tab.page.evaluate(() => {
    globalThis.notes = []
    globalThis.worker = new Worker('/events/worker.js', { type: 'module' })
    worker.onmessage = ({ data }) => void notes.push(data)
  })
}

const waitForNote = (tab: Tab, beginning: string, count = 1) =>
  tab.page.waitForFunction(
    ([beginning, count]) => notes.filter((note) => note.startsWith(beginning)).length >= count,
    [beginning, count] as const,
  )

/** Resolves with the new frame once its script has run. */
async function addFrame(tab: Tab, src: string, sandbox?: string): Promise<Frame> {
  await tab.page.evaluate(
    ([src, sandbox]) =>
      new Promise((resolve) => {
        const frame = document.createElement('iframe')
        if (sandbox !== undefined) frame.setAttribute('sandbox', sandbox)
        frame.src = src
        frame.onload = resolve
        document.body.append(frame)
      }),
    [src, sandbox] as const,
  )
  const frame = tab.page.frames().at(-1)
  if (frame === undefined) throw new Error('no frame')
  await frame.evaluate(() => ready)
  return frame
}

/** Opens a source in a frame; `until` resolves with all that it noted once something that begins so is among it. */
async function listenIn(frame: Frame, kind: Kind) {
  await frame.evaluate((kind) => {
    const Source = kind === 'EventSource' ? EventSource : tabstream.SharedEventSource
    const source = new Source('/events/any')
    globalThis.notes = []
    source.onopen = () => void notes.push('open')
    source.onerror = () => void notes.push('error')
    source.onmessage = ({ data, origin }) => void notes.push(`${data} ${origin}`)
  }, kind)
  const until = async (beginning: string): Promise<string[]> => {
    await frame.waitForFunction((beginning) => notes.some((note) => note.startsWith(beginning)), beginning)
    return frame.evaluate(() => notes)
  }
  return { until }
}
