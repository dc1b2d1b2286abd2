import { type TestContext, test } from 'vitest'
import { useBrowser } from '../browser/stage.ts'
import { Centrifugo, type Double, Mercure, Ntfy } from './doubles.ts'
import { Trial } from './trial.ts'

const stage = useBrowser()

const PATH = '/events/busy'

/** Tabs that hear a double, and have had a hundred events. */
async function begin(
  context: TestContext,
  double: Double,
  options: Pick<NonNullable<Parameters<typeof Trial.begin>[2]>, 'path' | 'name' | 'number' | 'others'> = {},
): Promise<Trial> {
  const set = await stage()
  set.server.answer(PATH, double.answer)
  const trial = await Trial.begin(context, set, { sender: double, ...options })
  trial.feed.start()
  await trial.feed.more(100)
  return trial
}

/** A hundred events more, and each tab goes on. */
async function goOn(trial: Trial): Promise<void> {
  await trial.feed.more(100)
  await trial.isLive()
}

for (const [version, header] of [
  ['up to 0.2x', 'last-event-id'],
  ['from 1.0 on', 'mercure-last-event-id'],
] as const) {
  test(`a double of Mercure ${version}, cut under load`, async (context) => {
    const hub = new Mercure(header)
    const trial = await begin(context, hub)
    for (let cuts = 0; cuts < 3; cuts++) {
      hub.heartbeat()
      hub.cut()
      await goOn(trial)
    }
    await trial.conclude()
  })

  test(`a double of Mercure ${version} that forgets its history, under load`, async (context) => {
    const hub = new Mercure(header)
    const trial = await begin(context, hub)
    hub.restart()
    await goOn(trial)
    await trial.conclude({ gaps: 1 })
  })
}

const MESSAGES = { name: 'message', number: /"(?:message|number)":"?(\d+)/ }

for (const { name, double, options } of [
  { name: 'ntfy', double: new Ntfy(), options: MESSAGES },
  {
    name: "Centrifugo's uni_sse",
    double: new Centrifugo(),
    options: { ...MESSAGES, others: /^\{("connect":|"disconnect":|\}$)/ },
  },
]) {
  test(`a double of ${name}, which cannot resume, cut under load, with messages about itself: a gap`, async (context) => {
    const trial = await begin(context, double, options)
    double.heartbeat()
    double.cut()
    await goOn(trial)
    double.heartbeat()
    await trial.conclude({ gaps: 1 })
  })
}

test('a double of ntfy that replays everything on each connection: a gap', async (context) => {
  const ntfy = new Ntfy()
  const trial = await begin(context, ntfy, { ...MESSAGES, path: `${PATH}?since=all` })
  ntfy.cut()
  await goOn(trial)
  await trial.conclude({ gaps: 1, isDoubling: true })
})
