import { expect, test } from 'vitest'
import { PROTOCOL_VERSION } from '../../src/link/protocol.ts'
import { inspect, record, type Tab, warnings } from './browser.ts'
import type { Answer, TestServer } from './server.ts'
import { ESSENTIAL, useBrowser } from './stage.ts'

// Scripts that cannot be had or run: a build that did not copy the worker, or a deployment while a page slept.

const stage = useBrowser()

const WORKER = '/assets/worker.js'

const configure = (tab: Tab, options: object) =>
  tab.page.evaluate((options) => tabstream.configure(options), options)

const answerWith =
  (status: number, type: string, body: string): Answer =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body)
  }

const missing = answerWith(404, 'text/plain', 'not found')

/** Lets the server have its own scripts again, or takes them away. */
function withhold(server: TestServer, isGone: boolean): void {
  for (const file of ['worker.js', 'hub.js']) {
    server.answer(`/tabstream/${file}`, isGone ? missing : undefined)
  }
}

test.each([
  ['an HTML page', 'text/html', '<!doctype html><title>An app</title>'],
  ['a script that throws', 'text/javascript', 'throw new Error("broken")'],
])(
  'tabs that come later do not wait for a worker in whose place there is %s',
  ESSENTIAL,
  async (_name, type, body) => {
    const { server, open } = await stage()
    server.answer(WORKER, answerWith(200, type, body))
    for (let count = 0; count < 4; count++) {
      const tab = await open()
      await configure(tab, { worker: WORKER })
      const begin = Date.now()
      const recording = await record(tab, '/events/news', ['message'])
      await recording.waitForSignals('open')
      // One second of it passes before the others are asked. It was ten and more.
      expect(Date.now() - begin).toBeLessThan(5_000)
      const { host, refused } = await inspect(tab)
      expect(host).toBe('leader')
      expect(refused).toEqual([{ host: 'shared-worker', reason: expect.stringContaining(WORKER) }])
    }
    expect(server.channel('news').requests).toHaveLength(1)
  },
)

test('a page does without a worker whose script is of another version', ESSENTIAL, async () => {
  const { server, open } = await stage()
  const script = await (await fetch(server.url('/tabstream/worker.js'))).text()
  const own = `tabstream/${PROTOCOL_VERSION}/`
  expect(script).toContain(own)
  server.answer(WORKER, answerWith(200, 'text/javascript', script.replaceAll(own, 'tabstream/1/')))
  for (let count = 0; count < 2; count++) {
    const tab = await open()
    await configure(tab, { worker: WORKER })
    const recording = await record(tab, '/events/news', ['message'])
    await recording.waitForSignals('open')
    expect((await inspect(tab)).host).toBe('leader')
  }
  expect(server.channel('news').requests).toHaveLength(1)
})

test('the console names the address of the worker and what to do', ESSENTIAL, async () => {
  const { server, open } = await stage()
  withhold(server, true)
  server.answer('/tabstream/hub.js', undefined)
  const tab = await open()
  await (await record(tab, '/events/news', ['message'])).waitForSignals('open')
  const [warning] = await warnings(tab)
  expect(warning).toContain(server.url('/tabstream/worker.js'))
  expect(warning).toContain('node_modules/tabstream/dist/worker.js')
  expect(warning).toContain('configure({ worker:')
})

test(
  'a source stays CONNECTING while no script can be had, and goes on when one can',
  ESSENTIAL,
  async () => {
    const { server, open } = await stage()
    withhold(server, true)
    const tab = await open()
    const recording = await record(tab, '/events/news', ['message'])
    const status = await tab.page.evaluateHandle(() => tabstream.connect('/events/news'))
    // One for each attempt so far.
    for (const signal of await recording.waitForSignals('error'))
      expect(signal).toEqual({ type: 'error', readyState: 0 })
    await status.evaluate(
      (stream) =>
        new Promise<void>((resolve) => {
          if (stream.status.state === 'retrying') resolve()
          stream.onStatus(({ state }) => state === 'retrying' && resolve())
        }),
    )
    expect(await status.evaluate(({ status: { error } }) => error?.message)).toMatch(
      /no host.*worker script.*hub\.js/,
    )
    // Chromium has the failure of a module's address in mind for as long as the page lives.
    server.answer('/tabstream/hub.js', undefined)
    await recording.waitForSignals('open')
    server.channel('news').send({ data: 'x' })
    await recording.reach('x')
    expect((await inspect(tab)).host).toBe('leader')
    expect(await status.evaluate(({ status: { state } }) => state)).toBe('open')
    expect(await warnings(tab)).toEqual([
      expect.stringMatching(/no host is available .* goes on trying/),
      expect.stringContaining('using host "leader"'),
    ])
  },
)

test('what happens when the browser is online again is an attempt at once', async () => {
  const { server, open } = await stage()
  withhold(server, true)
  const tab = await open()
  const recording = await record(tab, '/events/news', ['message'])
  // The fourth attempt is followed by a wait of eight seconds or more.
  await recording.waitForSignals('error', 4)
  withhold(server, false)
  const begin = Date.now()
  await tab.page.evaluate(() => dispatchEvent(new Event('online')))
  await recording.waitForSignals('open')
  expect(Date.now() - begin).toBeLessThan(7_000)
  expect((await inspect(tab)).host).toBe('shared-worker')
})
