import { setTimeout } from 'node:timers/promises'
import { expect, type TestContext, test } from 'vitest'
import type { Stage } from './stage.ts'

/** For states that can only be asked for. */
const POLL = { interval: 50, timeout: 20_000 }

/** A connection to a server of which nothing is known is doubted after so many ms of silence. */
const PATIENCE = 30_500

/**
 * Declares cases about what engines do each in their own way: modules and workers that cannot be fetched, answers whose body
 * has not begun, and connections that say nothing.
 *
 * @param host which the page asks for
 * @param setStage sets the stage for one test
 */
export function testRecovery(host: string, setStage: () => Promise<Stage>): void {
  const stage = async ({ task }: TestContext): Promise<Stage> => {
    const set = await setStage()
    task.meta.version = set.version
    return set
  }

  test('a page goes on trying while no script of a hub can be had', async (context) => {
    const { server, open } = await stage(context)
    const scripts = ['/tabstream/worker.js', '/tabstream/hub.js']
    for (const script of scripts) {
      server.answer(script, (_request, response) => void response.writeHead(503).end())
    }
    const tab = await open()
    const states = await tab.evaluate(
      () =>
        new Promise<number[]>((resolve) => {
          const source = new tabstream.SharedEventSource('/events/news')
          const states: number[] = []
          source.onerror = () => {
            if (states.push(source.readyState) === 2) resolve(states)
          }
        }),
      undefined,
    )
    expect(states).toEqual([0, 0])
    for (const script of scripts) server.answer(script, undefined)
    const recording = await tab.record('/events/news', ['message'])
    server.channel('news').send({ data: 'x' })
    await recording.reach('x')
    expect((await tab.inspect()).host).toBe(host)
  })

  test('a quiet connection is replaced when the browser is online again', async (context) => {
    const { server, open } = await stage(context)
    const channel = server.channel('quiet')
    const recording = await (await open()).record('/events/quiet', ['message'])
    channel.send({ data: 'one' }, { data: 'two' })
    await recording.reach('two')
    await setTimeout(PATIENCE)
    expect(channel.requests).toHaveLength(1)
    await recording.tab.evaluate(() => void dispatchEvent(new Event('online')), undefined)
    await expect.poll(() => channel.requests.length, POLL).toBe(2)
    await channel.waitForConnections(1)
    channel.send({ data: 'three' })
    const received = await recording.reach('three')
    expect(received.map(({ data }) => data)).toEqual(['one', 'two', 'three'])
  })

  // WebKit gives what has come while it was busy only with what comes next, or after a while.
  test('the event before a silence is not held back', async (context) => {
    const { server, open } = await stage(context)
    const channel = server.channel('busy')
    const recording = await (await open()).record('/events/busy', ['message'])
    const waits: number[] = []
    for (const round of [1, 2, 3]) {
      channel.send(...Array.from({ length: 2_000 }, () => ({ data: 'x'.repeat(100) })))
      const begin = Date.now()
      channel.send({ data: `last ${round}` })
      await recording.reach(`last ${round}`)
      waits.push(Date.now() - begin)
      await setTimeout(100)
    }
    context.task.meta.note = `after ${Math.max(...waits)} ms`
    expect(Math.max(...waits)).toBeLessThan(3_000)
  })

  // Firefox gives script no response before the first byte of its body, and its EventSource is not open either.
  test('a source is open when the head is there, or when the browser tells', async (context) => {
    const { server, open } = await stage(context)
    const tab = await open()
    const opened = (kind: 'EventSource' | 'SharedEventSource') =>
      tab.evaluate((kind) => recorder.get(kind).signals.length > 0, kind)
    for (const kind of ['EventSource', 'SharedEventSource'] as const) {
      const channel = server.channel(kind)
      channel.beginsWithHead = true
      await tab.evaluate(
        (kind) => recorder.open({ key: kind, kind, url: `/events/${kind}`, names: ['message'] }),
        kind,
      )
      await channel.waitForConnections(1)
    }
    await setTimeout(1_000)
    const states = [await opened('EventSource'), await opened('SharedEventSource')]
    context.task.meta.note = `open ${states[0] ? 'with the head' : 'with the first byte'}`
    expect(states[1]).toBe(states[0])
    for (const kind of ['EventSource', 'SharedEventSource'] as const) {
      server.channel(kind).sendText(':\n\n')
      await expect.poll(() => opened(kind), POLL).toBe(true)
      server.channel(kind).send({ data: 'x' })
      await expect.poll(() => tab.evaluate((kind) => recorder.get(kind).events.length, kind), POLL).toBe(1)
    }
  })
}
