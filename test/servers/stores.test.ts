import { test } from 'vitest'
import { eventStream, toNodeHandler } from '../../src/server/index.ts'
import type { Sender } from '../browser/feed.ts'
import { useBrowser } from '../browser/stage.ts'
import { needs } from './program.ts'
import { Queue, untilAccepted } from './queue.ts'
import { logOf, STORES } from './stores.ts'
import { Trial } from './trial.ts'

const stage = useBrowser()

for (const { name, program, start } of STORES) {
  test(`tabstream/server with a log in ${name}, whose server crashes under load, and connections are cut`, async (context) => {
    needs(context, program)
    const set = await stage()
    const store = await start()
    const log = await logOf(name, store)
    set.server.answer(
      '/events/busy',
      toNodeHandler((request) => eventStream(request, log, { topics: ['busy'], retry: 10 })),
    )
    const queue = new Queue()
    const sender: Sender = {
      send: ({ event = 'message', data = '' }) =>
        void queue.add(() => untilAccepted(() => log.append('busy', { name: event, data }))),
    }
    const trial = await Trial.begin(context, set, { sender, pace: 10 })
    trial.feed.start()
    await trial.feed.more(100)
    for (let crashes = 0; crashes < 2; crashes++) {
      // Between two events: an event whose answer is lost may be there twice.
      await queue.add(() => store.crash())
      await trial.feed.more(50)
      await trial.isLive()
      set.server.destroyConnections()
      await trial.feed.more(50)
      await trial.isLive()
    }
    await trial.conclude()
  })
}
