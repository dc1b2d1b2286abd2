import { describe, expect, test } from 'vitest'
import { inspect, type Recording, record, type Tab } from './browser.ts'
import { Fleet } from './fleet.ts'
import { ESSENTIAL, type Stage, useBrowser } from './stage.ts'

const MIB = 1024 * 1024

const stage = useBrowser()

/**
 * Keeps the tab in one synchronous loop, which asks the server whether it may end; so it is the test, and no
 * clock, that decides how long other tabs must do without this one.
 */
async function keepBusy({ server }: Stage, tab: Tab) {
  let busy = true
  server.answer('/busy', (_request, response) => response.end(busy ? 'busy' : 'free'))
  const ended = tab.page.evaluate(() => {
    const request = new XMLHttpRequest()
    do {
      const until = performance.now() + 50
      while (performance.now() < until);
      request.open('GET', '/busy', false)
      request.send()
    } while (request.responseText === 'busy')
  })
  // A test that fails first closes the tab under the loop.
  ended.catch(() => {})
  await server.waitForRequest('/busy')
  return {
    end: () => {
      busy = false
      return ended
    },
  }
}

describe.each([
  ['the tab that started the hub', 0, 1],
  ['a tab that came later', 1, 0],
] as const)('%s, being busy', (_name, busyIndex, otherIndex) => {
  test('delays no other tab, and is told what it has missed', async () => {
    const set = await stage()
    const channel = set.server.channel('flood')
    const tabs = await set.openMany(2)
    const recordings: Recording[] = []
    for (const tab of tabs) {
      // Open before the next one begins: so it is the first that starts the hub.
      const recording = await record(tab, '/events/flood', ['message'])
      await recording.waitForSignals('open')
      recordings.push(recording)
    }
    const [busyTab, otherTab] = [tabs[busyIndex], tabs[otherIndex]]
    const [busyRecording, other] = [recordings[busyIndex], recordings[otherIndex]]
    if (!busyTab || !otherTab || !busyRecording || !other) throw new Error('two tabs were asked for')
    channel.send({ data: 'start' })
    await busyRecording.waitForEvents(1)

    const loop = await keepBusy(set, busyTab)
    const numbers = Array.from({ length: 40_000 }, (_, index) => String(index))
    for (let index = 0; index < numbers.length; index += 1_000) {
      channel.send(...numbers.slice(index, index + 1_000).map((data) => ({ data })))
      await other.reach(String(index + 999))
    }
    expect(await other.data()).toEqual(['start', ...numbers])
    const [stream] = (await inspect(otherTab)).streams
    expect(stream?.logEvents).toBeLessThanOrEqual(16_384)
    expect(stream?.logBytes).toBeLessThanOrEqual(16 * MIB)
    expect(stream?.lastEventId).toBe('40001')

    await loop.end()
    channel.send({ data: 'end' })
    await busyRecording.waitForData('end')
    const received = await busyRecording.received()
    // Where its numbers jump a gap has been told, and nowhere else; it did fall behind, or nothing is tested.
    const gaps = received.filter(({ type }) => type === 'gap')
    expect(gaps).toContainEqual(expect.objectContaining({ data: 'slow-tab' }))
    const jumps: boolean[] = []
    let expected = 1
    for (const [index, { type, lastEventId }] of received.entries()) {
      if (type === 'gap') continue
      const isJump = Number(lastEventId) !== expected
      const isAfterGap = received[index - 1]?.type === 'gap'
      if (isJump || isAfterGap) jumps.push(isJump && isAfterGap && Number(lastEventId) > expected)
      expected = Number(lastEventId) + 1
    }
    expect(jumps).toEqual(gaps.map(() => true))
    expect(expected).toBe(40_003)
  })

  test('makes the hub keep no more than 16 MiB', async () => {
    const set = await stage()
    const channel = set.server.channel('heavy')
    const tabs = await set.openMany(2)
    const recordings: Recording[] = []
    for (const [index, tab] of tabs.entries()) {
      // Open before the next one begins: so it is the first that starts the hub.
      const recording = await record(tab, '/events/heavy', index === busyIndex ? ['message'] : ['end'])
      await recording.waitForSignals('open')
      recordings.push(recording)
    }
    const [busyTab, otherTab] = [tabs[busyIndex], tabs[otherIndex]]
    const [busyRecording, other] = [recordings[busyIndex], recordings[otherIndex]]
    if (!busyTab || !otherTab || !busyRecording || !other) throw new Error('two tabs were asked for')

    const loop = await keepBusy(set, busyTab)
    const data = 'x'.repeat(64 * 1024)
    for (let sent = 0; sent < 32 * MIB; sent += data.length) channel.send({ data })
    channel.send({ event: 'end', data: 'end' })
    await other.waitForData('end')
    const [stream] = (await inspect(otherTab)).streams
    expect(stream?.lastEventId).toBe(String((32 * MIB) / data.length + 1))
    expect(stream?.logBytes).toBeLessThanOrEqual(16 * MIB)
    // Not empty either: the log is what the busy tab lives on when it is back.
    expect(stream?.logBytes).toBeGreaterThan(MIB)
    await loop.end()
  })
})

// Whoever leads holds up everybody, so it must not lead for long.
test(
  'the leader, being busy, is replaced, and misses nothing either when it is free',
  ESSENTIAL,
  async () => {
    const set = await stage()
    const fleet = await Fleet.assemble(set, { host: 'leader' })
    const { channel, feed } = fleet
    const hubId = await fleet.expectOneHub()
    const leader = await fleet.leader()
    feed.start()
    await feed.more(200)

    const loop = await keepBusy(set, fleet.tab(leader))
    const [begun, last] = [Date.now(), feed.length]
    await channel.until(() => channel.totalConnections === 2, 'another hub')
    await feed.more(200)
    await fleet.caughtUp((leader + 1) % fleet.tabs.length)
    const silences = (await fleet.firstTimesAfter(last, { without: [leader] })).map((time) => time - begun)
    await loop.end()
    await channel.waitForConnections(1)
    await feed.more(200)
    await fleet.finish()
    console.log(
      `the leader is busy: events again after ${Math.min(...silences)} ms in the first tab, ${Math.max(...silences)} ms in the last; ${fleet.describe()}`,
    )
    await fleet.expectNothingMissing()
    expect(await fleet.expectOneHub()).not.toBe(hubId)
    expect(await fleet.leader()).not.toBe(leader)
    expect(channel.totalConnections).toBe(2)
  },
)
