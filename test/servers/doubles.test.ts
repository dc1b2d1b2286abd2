import { test } from 'vitest'
import { useBrowser } from '../browser/stage.ts'
import { Centrifugo, Mercure, Ntfy } from './doubles.ts'
import { Trial } from './trial.ts'

const stage = useBrowser()

const PATH = '/events/busy'

for (const [version, header] of [
  ['up to 0.2x', 'last-event-id'],
  ['from 1.0 on', 'mercure-last-event-id'],
] as const) {
  const begin = async (context: Parameters<typeof Trial.begin>[0]) => {
    const set = await stage()
    const hub = new Mercure(header)
    set.server.answer(PATH, hub.answer)
    const trial = await Trial.begin(context, set, { sender: hub })
    trial.feed.start()
    await trial.feed.more(100)
    return { hub, trial }
  }

  test(`a double of Mercure ${version}, cut under load`, async (context) => {
    const { hub, trial } = await begin(context)
    for (let cuts = 0; cuts < 3; cuts++) {
      hub.cut()
      await trial.feed.more(100)
      await trial.isLive()
    }
    await trial.conclude()
  })

  test(`a double of Mercure ${version} that forgets its history, under load`, async (context) => {
    const { hub, trial } = await begin(context)
    hub.restart()
    await trial.feed.more(100)
    await trial.isLive()
    await trial.conclude({ gaps: 1 })
  })
}

test('a double of ntfy, cut under load, with heartbeats that are events: a gap', async (context) => {
  const set = await stage()
  const ntfy = new Ntfy()
  set.server.answer(PATH, ntfy.answer)
  const trial = await Trial.begin(context, set, {
    sender: ntfy,
    name: 'message',
    number: /"message":"(\d+)"/,
  })
  trial.feed.start()
  await trial.feed.more(100)
  ntfy.keepAlive()
  ntfy.cut()
  await trial.feed.more(100)
  await trial.isLive()
  ntfy.keepAlive()
  await trial.conclude({ gaps: 1 })
})

test("a double of Centrifugo's uni_sse, shut down under load, with messages about the connection: a gap", async (context) => {
  const set = await stage()
  const centrifugo = new Centrifugo()
  set.server.answer(PATH, centrifugo.answer)
  const trial = await Trial.begin(context, set, {
    sender: centrifugo,
    name: 'message',
    number: /"number":(\d+)/,
    others: /^\{("connect":|"disconnect":|\}$)/,
  })
  trial.feed.start()
  await trial.feed.more(100)
  centrifugo.ping()
  centrifugo.shutDown()
  await trial.feed.more(100)
  await trial.isLive()
  centrifugo.ping()
  await trial.conclude({ gaps: 1 })
})
