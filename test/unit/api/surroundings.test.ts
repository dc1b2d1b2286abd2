import { isReactive, isReadonly, reactive, readonly, ref } from '@vue/reactivity'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { linkPlatform } from '../../../src/link/platform.ts'
import { OPEN, Page, UpstreamWorld, URL_OF_EVENTS } from '../upstream.ts'

// Where the library finds itself: in a framework that wraps objects, or in an environment that is only nearly a browser.

afterEach(() => {
  vi.unstubAllGlobals()
})

describe('Vue wraps no proxy around', () => {
  const page = new Page(new UpstreamWorld(), 'page')
  const stream = page.connect(URL_OF_EVENTS)

  test.each([
    ['a stream', stream],
    ['a source', page.source()],
  ])('%s', (_what, object) => {
    expect(ref(object).value).toBe(object)
    expect(reactive({ object }).object).toBe(object)
    expect(readonly({ object }).object).toBe(object)
    expect([isReactive(ref(object).value), isReadonly(readonly({ object }).object)]).toEqual([false, false])
    expect(() => ref(object).value.close()).not.toThrow()
  })

  test('a loop', () => {
    const loop = stream.events('message')
    expect(ref(loop).value).toBe(loop)
  })
})

describe('what a listener throws is reported', () => {
  const fault = new Error('at fault')

  async function throwing() {
    const world = new UpstreamWorld()
    const stream = new Page(world, 'page').connect(URL_OF_EVENTS)
    const heard: string[] = []
    stream.on('message', () => {
      throw fault
    })
    stream.on('message', ({ data }) => heard.push(data))
    await world.clock.advance(OPEN)
    world.upstream.write('data: x\n\n')
    await world.clock.advance(OPEN)
    expect(heard).toEqual(['x'])
  }

  test('by the platform', async () => {
    const reported: unknown[] = []
    vi.stubGlobal('reportError', (error: unknown) => reported.push(error))
    await throwing()
    expect(reported).toEqual([fault])
  })

  test('by an uncaught error where the platform does not, as in jsdom and Node', async () => {
    const tasks: (() => void)[] = []
    vi.stubGlobal('reportError', undefined)
    vi.stubGlobal('setTimeout', (task: () => void) => tasks.push(task))
    await throwing()
    expect(tasks).toHaveLength(1)
    expect(tasks[0]).toThrow(fault)
  })
})

test('locks that are null, as in happy-dom, are none', () => {
  vi.stubGlobal('navigator', { locks: null })
  expect(linkPlatform().locks).toBeUndefined()
})
