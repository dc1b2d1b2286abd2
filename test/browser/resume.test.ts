import { describe, expect, test } from 'vitest'
import { record } from './browser.ts'
import type { Replay } from './channel.ts'
import { ESSENTIAL, SOURCES, useBrowser } from './stage.ts'

const stage = useBrowser()

/** The channel keeps this many events where it is forgetful. */
const KEEP = 2

// Not the browser's own EventSource, which repeats what the server repeats and tells of no gap.
const OURS = SOURCES.filter(({ kind }) => kind === 'SharedEventSource')

describe.each(OURS)('$name', ESSENTIAL, ({ kind, page }) => {
  test.each<[string, Replay, string[]]>([
    ['strictly after the last ID: nothing is missing', 'strict', ['1', '2', '3', '4', '5', '6', '7']],
    ['from the last ID on: nothing comes twice', 'inclusive', ['1', '2', '3', '4', '5', '6', '7']],
    [
      'no more than it has kept: a gap is told',
      'forgetful',
      ['1', '2', '3', 'gap: history-lost', '5', '6', '7'],
    ],
    ['nothing although it sends IDs: a gap is told', 'ignore', ['1', '2', '3', 'gap: history-lost', '7']],
    ['nothing since it has no IDs: a gap is told', 'no-ids', ['1', '2', '3', 'gap: unresumable', '7']],
  ])('after a cut the server replays %s', async (_name, replay, expected) => {
    const { server, open } = await stage()
    const channel = server.channel('resume')
    channel.replay = replay
    channel.keep = KEEP
    const recording = await record(await open(page), '/events/resume', ['message'], { kind })
    await recording.waitForSignals('open')
    for (const data of ['1', '2', '3']) channel.send({ data })
    await recording.waitForData('3')

    channel.hold()
    channel.cut()
    for (const data of ['4', '5', '6']) channel.send({ data })
    channel.release()
    await channel.waitForConnections(1)
    channel.send({ data: '7' })
    const received = await recording.waitForData('7')
    expect(received.map(({ type, data }) => (type === 'gap' ? `gap: ${data}` : data))).toEqual(expected)
  })

  test('a server that had nothing to add leaves no gap', async () => {
    const { server, open } = await stage()
    const channel = server.channel('resume')
    const recording = await record(await open(page), '/events/resume', ['message'], { kind })
    await recording.waitForSignals('open')
    channel.send({ data: '1' }, { data: '2' })
    await recording.waitForData('2')
    channel.cut()
    await recording.waitForSignals('open', 2)
    channel.cut()
    await recording.waitForSignals('open', 3)
    channel.send({ data: '3' })
    await recording.waitForData('3')
    expect(await recording.data()).toEqual(['1', '2', '3'])
  })
})
