import { afterEach, describe, expect, test, vi } from 'vitest'
import { provideSources } from '../../../src/source/provide-sources.ts'
import { FailedError } from '../../../worker/source/failure.ts'
import { fetched } from '../../../worker/source/fetched.ts'
import type { ConnectionRequest, Receiver } from '../../../worker/source/source.ts'

const CONNECTION = { signal: new AbortController().signal } as ConnectionRequest
const RECEIVER = {} as Receiver
const SCRIPT = 'https://dash.test/a-source.js'

/** A source whose module is loaded by this. */
const sourceOf = (load: (script: string) => unknown, script = SCRIPT) =>
  fetched({ origin: 'https://dash.test', load: async (url: string) => load(url) } as never, {
    script,
    options: '{"a":1}',
  })

describe('a source that is fetched', () => {
  test('is made once, with its options, when it is used', async () => {
    const made: unknown[] = []
    const source = sourceOf((script) => ({
      source: (_: unknown, options: unknown) => {
        made.push(script, options)
        const connect = async () => new FailedError('the end').failure
        return Object.assign(connect, { send: async (message: unknown) => `sent ${message}` })
      },
    }))
    source.drop?.(false)
    // Whoever sends waits for the first connection.
    const sending = source.send?.('a')
    expect(made).toEqual([])
    expect(await source(CONNECTION, RECEIVER)).toMatchObject({ message: 'the end' })
    expect(await sending).toBe('sent a')
    await source(CONNECTION, RECEIVER)
    expect(made).toEqual([SCRIPT, { a: 1 }])
  })

  test('is tried again at another URL where it could not be loaded', async () => {
    const asked: string[] = []
    const source = sourceOf((script) => {
      asked.push(script)
      throw new TypeError('no such file')
    })
    expect(await source(CONNECTION, RECEIVER)).toMatchObject({
      isFinal: false,
      message: `the script ${SCRIPT} could not be loaded (no such file)`,
    })
    await source(CONNECTION, RECEIVER)
    expect(asked).toEqual([SCRIPT, `${SCRIPT}?`])
    const sending = source.send?.('a')
    source.drop?.(true)
    expect(await sending).toBeUndefined()
    expect(await source.send?.('a')).toBeUndefined()
  })

  test('that is of another version is fetched again', async () => {
    let isRight = false
    const source = sourceOf(() =>
      isRight ? { source: () => async () => new FailedError('the end').failure } : { another: 1 },
    )
    expect(await source(CONNECTION, RECEIVER)).toMatchObject({ isFinal: false })
    isRight = true
    expect(await source(CONNECTION, RECEIVER)).toMatchObject({ message: 'the end' })
  })

  test.each([
    'https://evil.test/a-source.js',
    'data:text/javascript,export const source = 1',
    'blob:https://evil.test/1',
    'http://dash.test/a-source.js',
  ])('of another origin is not run: %s', async (script) => {
    let isLoaded = false
    const source = sourceOf(() => {
      isLoaded = true
    }, script)
    expect(await source(CONNECTION, RECEIVER)).toMatchObject({
      isFinal: true,
      message: expect.stringContaining('neither provided nor of the origin https://dash.test'),
    })
    expect(isLoaded).toBe(false)
  })

  test('does not connect where nobody wants it any more', async () => {
    const abort = new AbortController()
    const source = sourceOf(() => {
      abort.abort(new Error('enough'))
      return { source: () => () => expect.unreachable() }
    })
    const connection = { ...CONNECTION, signal: abort.signal }
    expect(await source(connection, RECEIVER)).toMatchObject({ message: 'enough' })
  })
})

describe('a source that is provided', () => {
  afterEach(() => {
    vi.restoreAllMocks()
    Reflect.deleteProperty(globalThis, Symbol.for('tabstream.sources'))
  })

  const saying = (message: string) => () => async () => new FailedError(message).failure
  const unloaded = () => expect.unreachable()

  test('is found by its name, and nothing is loaded', async () => {
    provideSources({ a: saying('from a'), b: saying('from b') })
    const source = sourceOf(unloaded, 'provideSources:#b')
    expect(await source(CONNECTION, RECEIVER)).toMatchObject({ message: 'from b' })
  })

  test.each(['provideSources:#c', 'provideSources:#constructor', 'data:text/javascript,1#c'])(
    'and is unknown ends the stream: %s',
    async (script) => {
      provideSources({ a: saying('from a') })
      expect(await sourceOf(unloaded, script)(CONNECTION, RECEIVER)).toMatchObject({
        isFinal: true,
        message: expect.stringContaining('neither provided nor'),
      })
    },
  )

  test('ends the stream where nothing is', async () => {
    const source = sourceOf(unloaded, 'provideSources:#a')
    expect(await source(CONNECTION, RECEIVER)).toMatchObject({ isFinal: true })
  })

  test('by the script that its URL names is found by the fragment, also after the script could not be had', async () => {
    const asked: string[] = []
    const source = sourceOf((script) => {
      asked.push(script)
      if (asked.length === 1) throw new TypeError('no such file')
      provideSources({ a: saying('from a') })
      return {}
    }, `${SCRIPT}#a`)
    expect(await source(CONNECTION, RECEIVER)).toMatchObject({ isFinal: false })
    expect(await source(CONNECTION, RECEIVER)).toMatchObject({ message: 'from a' })
    expect(asked).toEqual([`${SCRIPT}#a`, `${SCRIPT}#a?`])
  })

  test('counts less than one that is exported', async () => {
    provideSources({ a: saying('provided') })
    const source = sourceOf(() => ({ source: saying('exported') }), `${SCRIPT}#a`)
    expect(await source(CONNECTION, RECEIVER)).toMatchObject({ message: 'exported' })
  })

  test('twice is the last one, and the console says so', async () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue()
    const first = saying('first')
    provideSources({ a: first })
    provideSources({ a: first })
    expect(warn).not.toHaveBeenCalled()
    provideSources({ a: saying('last') })
    expect(warn.mock.calls).toEqual([
      [expect.stringContaining('another source "a" has been provided before')],
    ])
    const source = sourceOf(unloaded, 'provideSources:#a')
    expect(await source(CONNECTION, RECEIVER)).toMatchObject({ message: 'last' })
  })

  test('must be one', () => {
    expect(() => provideSources({ a: {} as never })).toThrow(/"a" must be what defineSource\(\) returns/)
  })
})
