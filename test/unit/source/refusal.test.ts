import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { HubPlatform } from '../../../worker/platform.ts'
import { refusalOf } from '../../../worker/source/refusal.ts'

// What a server says in place of a stream: how much of it is read, for how long, and of which types.

const MOST_BODY = 16_384

const TYPES = ['text/event-stream']

const platform = {
  now: () => Date.now(),
  setTimeout: (callback: () => void, delay: number) => setTimeout(callback, delay),
  clearTimeout: (timer: ReturnType<typeof setTimeout>) => clearTimeout(timer),
} as unknown as HubPlatform

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)

/** A body that brings these chunks and then ends, fails or hangs. */
function bodyOf(chunks: readonly Uint8Array[], then: 'ends' | 'fails' | 'hangs' = 'ends') {
  const left = [...chunks]
  const state = { isCancelled: false, taken: 0 }
  const stream = new ReadableStream(
    {
      pull(controller) {
        const chunk = left.shift()
        if (chunk !== undefined) {
          state.taken++
          controller.enqueue(chunk)
        } else if (then === 'ends') controller.close()
        else if (then === 'fails') controller.error(new TypeError('network error'))
        return then === 'hangs' && chunk === undefined ? new Promise<void>(() => {}) : undefined
      },
      cancel: () => {
        state.isCancelled = true
      },
    },
    { highWaterMark: 0 },
  )
  return { stream, state }
}

const refused = (body: BodyInit | null, type = 'application/json', status = 422) =>
  refusalOf(platform, new Response(body, { status, headers: { 'Content-Type': type } }), TYPES, true)

const bodyRead = async (...args: Parameters<typeof refused>) => (await refused(...args))?.failure.body

describe('what a refusal says', () => {
  test('is read, with its status and its content type as it came', async () => {
    const refusal = await refused('{"error":"no such topic"}', 'application/problem+json; charset=utf-8', 404)
    expect(refusal?.failure).toEqual({
      message: 'the server answered with status 404',
      status: 404,
      contentType: 'application/problem+json; charset=utf-8',
      body: '{"error":"no such topic"}',
      retryAfter: 0,
      isFinal: false,
      isEnd: false,
      isUnreadable: false,
      hasBeenReadable: false,
      isMove: false,
    })
  })

  test('is read where only the content type is wrong', async () => {
    const refusal = await refused('<p>Log in', 'text/html', 200)
    expect(refusal?.failure).toMatchObject({ status: 200, contentType: 'text/html', body: '<p>Log in' })
  })

  test.each(['text/plain', 'Text/HTML; charset=utf-8', 'application/json', 'application/vnd.api+json'])(
    'is read as %s',
    async (type) => {
      expect(await bodyRead('said', type)).toBe('said')
    },
  )

  test.each([
    'application/octet-stream',
    'image/svg+xml',
    'application/jsonx',
    'application/xjson',
    'nonsense',
    '',
  ])('is not read as "%s", and the connection ends', async (type) => {
    const { stream, state } = bodyOf([bytesOf('said')], 'hangs')
    expect(await bodyRead(stream, type)).toBe('')
    expect(state).toEqual({ isCancelled: true, taken: 0 })
  })

  test('is not read where nobody wants it', async () => {
    const { stream, state } = bodyOf([bytesOf('said')], 'hangs')
    const response = new Response(stream, { status: 500, headers: { 'Content-Type': 'text/plain' } })
    expect((await refusalOf(platform, response, TYPES, false))?.failure).toMatchObject({
      status: 500,
      body: '',
    })
    expect(state).toEqual({ isCancelled: true, taken: 0 })
  })

  test('may be nothing', async () => {
    expect(await bodyRead(null, 'text/plain', 204)).toBe('')
    expect(await bodyRead('')).toBe('')
  })

  test('is read up to 16,384 bytes, and no further', async () => {
    const { stream, state } = bodyOf(Array(40).fill(bytesOf('x'.repeat(1_000))))
    expect(await bodyRead(stream)).toBe('x'.repeat(MOST_BODY))
    expect(state).toEqual({ isCancelled: true, taken: 17 })
  })

  test('is cut between characters', async () => {
    expect(await bodyRead(`${'x'.repeat(MOST_BODY - 3)}🙂 and more`)).toBe('x'.repeat(MOST_BODY - 3))
    const whole = `${'é'.repeat(MOST_BODY / 2 - 2)}🙂`
    expect(await bodyRead(`${whole}🙂`)).toBe(whole)
  })

  test('is put together where characters are split between chunks', async () => {
    const bytes = bytesOf('é🙂é')
    const { stream } = bodyOf(Array.from(bytes, (byte) => Uint8Array.of(byte)))
    expect(await bodyRead(stream)).toBe('é🙂é')
  })

  test('is what has come where the connection breaks', async () => {
    const { stream } = bodyOf([bytesOf('half an ')], 'fails')
    expect(await bodyRead(stream)).toBe('half an ')
  })

  test('is what comes within a second where the server does not end it', async () => {
    const { stream, state } = bodyOf([bytesOf('and then')], 'hangs')
    let body: string | undefined
    bodyRead(stream).then((text) => {
      body = text
    })
    await vi.advanceTimersByTimeAsync(999)
    expect(body).toBeUndefined()
    await vi.advanceTimersByTimeAsync(1)
    expect(body).toBe('and then')
    expect(state.isCancelled).toBe(true)
  })
})
