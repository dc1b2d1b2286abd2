import { expect, test } from 'vitest'
import { record } from './browser.ts'
import { describeSources, useBrowser } from './stage.ts'

const stage = useBrowser()

describeSources(({ kind, page }) => {
  // With a listener added by the handler of the event before, EventSource misses nothing, because its
  // events are dispatched one by one. A hub that filters by name must not have dropped the next one.
  test.each(['in the handler', 'in a microtask of the handler'])(
    'a listener added %s of one event gets the next event',
    async (moment) => {
      const { server, open } = await stage()
      const tab = await open(page)
      const recording = await record(tab, '/events/names', ['a', 'end'], { kind })
      await recording.waitForSignals('open')
      await tab.page.evaluate(
        ([key, moment]) => {
          const { source, listen } = recorder.get(key)
          source.addEventListener(
            'a',
            () => {
              if (moment === 'in the handler') listen('b')
              else queueMicrotask(() => listen('b'))
            },
            { once: true },
          )
        },
        [recording.key, moment] as const,
      )
      server
        .channel('names')
        .send(
          { event: 'b', data: 'too early' },
          { event: 'a', data: 'first' },
          { event: 'b', data: 'second' },
          { event: 'a', data: 'third' },
          { event: 'b', data: 'fourth' },
          { event: 'end', data: 'end' },
        )
      await recording.waitForData('end')
      expect(await recording.data()).toEqual(['first', 'second', 'third', 'fourth', 'end'])
    },
  )

  test('a listener added later gets nothing from before', async () => {
    const { server, open } = await stage()
    const channel = server.channel('names')
    const recording = await record(await open(page), '/events/names', ['a'], { kind })
    await recording.waitForSignals('open')
    channel.send({ event: 'b', data: 'b before' }, { event: 'a', data: 'a before' })
    await recording.waitForData('a before')
    await recording.listen('b')
    channel.send({ event: 'b', data: 'b after' }, { event: 'a', data: 'a after' })
    await recording.waitForData('a after')
    expect(await recording.data()).toEqual(['a before', 'b after', 'a after'])
  })

  test('a removed listener gets nothing more, a second one for the same name does', async () => {
    const { server, open } = await stage()
    const channel = server.channel('names')
    const tab = await open(page)
    const recording = await record(tab, '/events/names', ['a', 'b'], { kind })
    await recording.waitForSignals('open')
    await tab.page.evaluate((key) => {
      const { source, keep } = recorder.get(key)
      const listener = ({ type, data, lastEventId }: MessageEvent) => {
        keep({ type: `removed ${type}`, data, lastEventId })
        source.removeEventListener('a', listener)
      }
      source.addEventListener('a', listener)
    }, recording.key)
    channel.send({ event: 'a', data: '1' }, { event: 'a', data: '2' }, { event: 'b', data: '3' })
    await recording.waitForData('3')
    expect((await recording.received()).map(({ type, data }) => `${type}: ${data}`)).toEqual([
      'a: 1',
      'removed a: 1',
      'a: 2',
      'b: 3',
    ])
  })

  test('events named open and error are dispatched as messages of that name', async () => {
    const { server, open } = await stage()
    const recording = await record(await open(page), '/events/names', ['open', 'error', 'message'], { kind })
    await recording.waitForSignals('open')
    server
      .channel('names')
      .send({ event: 'open', data: 'o' }, { event: 'error', data: 'e' }, { event: 'message', data: 'm' })
    const received = await recording.waitForData('m')
    expect(
      received.filter(({ data }) => data !== undefined).map(({ type, data }) => `${type}: ${data}`),
    ).toEqual(['open: o', 'error: e', 'message: m'])
    expect(await recording.readyState()).toBe(1)
  })

  test('onmessage is a listener like the others, and nothing arrives after close', async () => {
    const { server, open } = await stage()
    const tab = await open(page)
    const recording = await record(tab, '/events/names', ['last'], { kind })
    await recording.waitForSignals('open')
    const witness = await record(tab, '/events/names', ['last'], { kind })
    await witness.waitForSignals('open')
    await tab.page.evaluate((key) => {
      const { source, keep } = recorder.get(key)
      source.onmessage = (event) => {
        keep(event)
        if (event.data === '2') source.close()
      }
    }, recording.key)
    const channel = server.channel('names')
    channel.send({ data: '1' }, { data: '2' }, { data: '3' }, { event: 'last', data: '4' })
    await recording.waitForData('2')
    // Sources are not in step with each other; what was on its way to one has come when the other has gone
    // through a later round trip.
    channel.send({ event: 'last', data: '5' })
    await witness.waitForData('5')
    expect(await recording.data()).toEqual(['1', '2'])
    expect(await recording.readyState()).toBe(2)
  })
})
