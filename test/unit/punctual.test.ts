import { expect, test } from 'vitest'
import { punctual } from '../../src/host/punctual.ts'
import type { HubPlatform } from '../../worker/platform.ts'
import { createWorld } from './raw-tab.ts'

/** A platform that is punctual, in a page whose timers never run by themselves. */
function throttled() {
  const world = createWorld()
  const page = world.hubPlatform(world.agent('page'))
  const heard: string[] = []
  const stalled: HubPlatform = { ...page, setTimeout: () => undefined }
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
  const platform = punctual(world.hubPlatform(world.agent('page')))
  const heard: string[] = []
  platform.setTimeout(() => heard.push('one'), 100)
  const cleared = platform.setTimeout(() => heard.push('cleared'), 100)
  platform.clearTimeout(cleared)
  await world.clock.advance(200)
  platform.runDue()
  expect(heard).toEqual(['one'])
})
