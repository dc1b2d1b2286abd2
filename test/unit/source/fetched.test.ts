import { describe, expect, test } from 'vitest'
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
      message: expect.stringContaining('it is not of the origin https://dash.test'),
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
