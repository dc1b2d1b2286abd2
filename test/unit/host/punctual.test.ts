import { expect, test } from 'vitest'
import { punctual } from '../../../src/host/punctual.ts'
import type { Platform } from '../../../src/page/platform.ts'
import { createWorld } from '../raw-tab.ts'

/** A platform that is punctual, in a page whose timers never run by themselves. */
function throttled({ isVisible = true } = {}) {
  // Messages take a millisecond.
  const world = createWorld({ random: () => 0.2 })
  const page = world.platform(world.agent('page'), () => {})
  const heard: string[] = []
  const stalled: Platform = { ...page, setTimeout: () => undefined, isVisible: () => isVisible }
  const platform = punctual(stalled)
  return { world, platform, heard, say: (word: string) => () => heard.push(word) }
}

test('what is late runs when something calls for it, once and in order', async () => {
  const { world, platform, heard, say } = throttled()
  platform.setTimeout(say('third'), 300)
  platform.setTimeout(say('first'), 100)
  platform.setTimeout(say('second'), 200)
  await world.clock.advance(250)
  expect(heard).toEqual([])
  platform.runDue()
  platform.runDue()
  expect(heard).toEqual(['first', 'second'])
  await world.clock.advance(100)
  platform.runDue()
  expect(heard).toEqual(['first', 'second', 'third'])
})

test('what is cleared does not run, not even if another late one clears it', async () => {
  const { world, platform, heard, say } = throttled()
  const cleared = platform.setTimeout(say('cleared'), 100)
  platform.setTimeout(() => platform.clearTimeout(other), 100)
  const other = platform.setTimeout(say('cleared by another'), 150)
  platform.clearTimeout(cleared)
  await world.clock.advance(1_000)
  platform.runDue()
  expect(heard).toEqual([])
})

test('timers that run by themselves run once', async () => {
  const world = createWorld()
  const platform = punctual(world.platform(world.agent('page'), () => {}))
  const heard: string[] = []
  platform.setTimeout(() => heard.push('one'), 100)
  const cleared = platform.setTimeout(() => heard.push('cleared'), 100)
  platform.clearTimeout(cleared)
  await world.clock.advance(200)
  platform.runDue()
  expect(heard).toEqual(['one'])
})

test('a hidden page stays awake for a short one, and only for that', async () => {
  const { world, platform, heard, say } = throttled({ isVisible: false })
  platform.setTimeout(say('short'), 5)
  await world.clock.advance(4)
  expect(heard).toEqual([])
  await world.clock.advance(4)
  expect(heard).toEqual(['short'])
  const cleared = platform.setTimeout(say('cleared'), 5)
  platform.clearTimeout(cleared)
  platform.setTimeout(say('long'), 1_000)
  await world.clock.advance(2_000)
  expect(heard).toEqual(['short'])
})
