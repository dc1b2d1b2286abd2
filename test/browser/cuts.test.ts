import { expect, test } from 'vitest'
import { record } from './browser.ts'
import { describeSources, useBrowser } from './stage.ts'

const CUTS = 50
const { TABSTREAM_SEED = '20240607' } = process.env
const SEED = Number(TABSTREAM_SEED)

const stage = useBrowser()

describeSources(({ kind, page }) => {
  // Several tabs where they share the connection; elsewhere each has its own, and one is to be cut.
  const tabCount = page.includes('shared-worker') ? 4 : 1

  test(`each event once, in order, in ${tabCount} tabs while ${CUTS} connections are cut anywhere (TABSTREAM_SEED=${SEED})`, async () => {
    const { server, openMany } = await stage()
    const channel = server.channel('cut')
    const random = randomNumbers(SEED)
    const below = (limit: number) => Math.floor(random() * limit)
    const tabs = await openMany(tabCount, page)
    const recordings = await Promise.all(
      tabs.map((tab) => record(tab, '/events/cut', ['message', 'odd'], { kind })),
    )
    await Promise.all(recordings.map((recording) => recording.waitForSignals('open')))

    const sent: { type: string; data: string; lastEventId: string }[] = []
    const send = () => {
      const number = sent.length + 1
      const type = number % 2 ? 'odd' : 'message'
      // Characters of two and four bytes, so that a cut may fall inside one; lines, inside an event.
      const data = `${number} ${'é🦊\n'.repeat(below(12))}`
      channel.send(number % 2 ? { event: type, data } : { data })
      sent.push({ type, data, lastEventId: String(number) })
    }
    // Without an ID to resume from, a stream that is cut begins anew, and may miss what was sent meanwhile.
    send()
    await Promise.all(recordings.map((recording) => recording.waitForEvents(1)))

    for (let cut = 1; cut <= CUTS; cut++) {
      // One cut falls on live events, the next on the replay that a new connection begins with. Not two
      // replays in a row, since each may bring nothing, and back-off grows by what brings nothing.
      if (cut % 2) await recordings[0]?.waitForData(sent.at(-1)?.data ?? '')
      channel.cutAfterBytes(1 + below(600))
      for (let bytes = 0; bytes < 700; bytes += sent.at(-1)?.data.length ?? 0) send()
      await channel.until(() => channel.totalCuts === cut, `cut ${cut}`)
    }
    send()

    for (const recording of recordings) {
      expect(await recording.waitForData(sent.at(-1)?.data ?? '')).toEqual(sent)
    }
    expect(channel.totalCuts).toBe(CUTS)
    expect(channel.totalConnections).toBe(CUTS + 1)
  })
})

/** Numbers from 0 to 1 that a seed determines (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
