import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { Page, UpstreamWorld, URL_OF_EVENTS } from './upstream.ts'

const HOURS = 8
const MINUTE = 60_000
/** So many make a million in all. */
const EVENTS_A_MINUTE = Math.ceil(1_000_000 / (HOURS * 60))
/** In bytes. Whatever each event, name or tab left behind would be far more. */
const MARGIN = 4_000_000

test(`a hub's and its pages' heap is flat over ${HOURS} hours with a million events, of names without end, and tabs that come and go`, {
  timeout: 300_000,
}, async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const world = new UpstreamWorld()
  let count = 0
  let gaps = 0
  const source = new Page(world, 'source').source()
  source.addEventListener('steady', () => count++)
  source.addEventListener('gap', () => gaps++)
  const stream = new Page(world, 'stream').connect(URL_OF_EVENTS)
  stream.on('*', () => count++)
  stream.onGap(() => gaps++)
  await world.clock.advance(MINUTE)

  let sent = 0
  let visitor: Page | undefined
  const heaps: number[] = []
  for (let minute = 1; minute <= HOURS * 60; minute++) {
    const events = Array.from({ length: EVENTS_A_MINUTE }, () => {
      sent++
      const name = sent % 2 === 0 ? 'steady' : `made up ${sent}`
      return `id: ${sent}\nevent: ${name}\ndata: {"number":${sent},"text":"something that happened"}\n\n`
    })
    world.upstream.write(events.join(''))
    if (minute % 5 === 0) {
      // Some say goodbye, some crash.
      if (minute % 2 === 0) visitor?.happen('pagehide')
      visitor?.agent.kill()
      visitor = new Page(world, `visitor ${minute}`)
      const seen = visitor.connect(URL_OF_EVENTS, { replay: 3 })
      seen.on('steady', () => count++)
      seen.on(`made up ${sent + 1}`, () => count++)
      visitor.source(`${URL_OF_EVENTS}/${minute}`).addEventListener('message', () => count++)
    }
    if (minute % 30 === 0) world.upstream.cut(new TypeError('network error'))
    await world.clock.advance(MINUTE)
    if (minute % 60 > 0) continue
    collect()
    heaps.push(process.memoryUsage().heapUsed)
  }
  console.log(`heap after each hour: ${heaps.map((bytes) => (bytes / 2 ** 20).toFixed(1)).join(', ')} MiB`)
  expect(sent).toBeGreaterThanOrEqual(1_000_000)
  expect(count).toBeGreaterThan(sent)
  expect(gaps).toBeGreaterThan(0)
  const [first = 0] = heaps
  expect(Math.max(...heaps) - first).toBeLessThan(MARGIN)
})
