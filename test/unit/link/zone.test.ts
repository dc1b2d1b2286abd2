import 'zone.js'
import { expect, test, vi } from 'vitest'
import { linkPlatform } from '../../../src/link/platform.ts'

test('timers keep no zone busy, so that an Angular app with a stream becomes stable', async () => {
  const tasks: boolean[] = []
  const app = Zone.current.fork({
    name: 'app',
    onHasTask: (_delegate, _current, _target, { macroTask }) => tasks.push(macroTask),
  })
  const { setTimeout: later, clearTimeout: never } = linkPlatform()
  const rung = vi.fn()
  const dropped = vi.fn()
  app.run(() => {
    later(rung, 5)
    never(later(dropped, 5))
  })
  await vi.waitFor(() => expect(rung).toHaveBeenCalled())
  expect(dropped).not.toHaveBeenCalled()
  expect(tasks).toEqual([])
  // What it would be otherwise.
  app.run(() => setTimeout(() => {}, 5))
  expect(tasks).toEqual([true])
})
