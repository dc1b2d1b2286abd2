import fc from 'fast-check'
import { expect, test } from 'vitest'
import { reconnectionTime } from '../../../worker/stream/retry.ts'
import { cut, drawnBytes, readingOf } from '../event-stream.ts'
import { OPEN, Page, UpstreamWorld, URL_OF_EVENTS } from '../upstream.ts'

const NAMES = ['message', 'a', 'b']

test('property: parser, hub and source together give what any bytes mean, cut anywhere', async () => {
  await fc.assert(
    fc.asyncProperty(drawnBytes(NAMES), fc.array(fc.nat(300)), async (bytes, borders) => {
      const world = new UpstreamWorld()
      const source = new Page(world, 'page').source()
      const given: unknown[] = []
      for (const name of NAMES) {
        source.addEventListener(name, ({ type, data, lastEventId }) =>
          given.push({ name: type, data, lastEventId }),
        )
      }
      const stream = new Page(world, 'other').connect(URL_OF_EVENTS)
      const streamed: unknown[] = []
      stream.on('*', ({ name, data, id }) => streamed.push({ name, data, lastEventId: id }))
      await world.clock.advance(OPEN)
      for (const chunk of cut(bytes, borders)) {
        world.upstream.write(chunk)
        await world.clock.advance(0)
      }
      const { events, retries } = readingOf(bytes)
      expect(given).toEqual(events)
      expect(streamed).toEqual(events)

      world.upstream.cut()
      await world.clock.advance(0)
      const wait = reconnectionTime(retries.at(-1) ?? 1_000)
      expect(stream.status.retryAt).toEqual(new Date(world.clock.now + wait))
    }),
  )
})
