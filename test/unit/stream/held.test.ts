import { expect, test } from 'vitest'
import { createWorld, listeningTab, send, serverOf } from '../raw-tab.ts'

test.each([204, 503])('what is held when the stream ends is given first: %i', async (status) => {
  const lost = new TypeError('network error')
  const world = createWorld({ kinds: ['ignoring'] })
  const tab = await listeningTab(world, 'tab', ['a'])
  await send(world, 'a', 'a', 'a')
  serverOf(world).cut(lost)
  for (let count = 0; count < 500 && serverOf(world).connections === 0; count++)
    await world.clock.advance(100)
  // The server does not resume, so the judge holds this for a second.
  await send(world, 'a')
  serverOf(world).refuseWith = { status, contentType: 'text/html' }
  serverOf(world).cut(lost)
  await world.clock.advance(60_000)
  const heard = tab.heard()
  expect(heard.includes('a 4') || heard.some((words) => words.startsWith('gap'))).toBe(true)
  expect(heard.at(-1)).toBe('closed')
})
