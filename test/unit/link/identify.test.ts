import { describe, expect, test } from 'vitest'
import { identifier, isPointer } from '../../../src/link/identify.ts'

const idOf = (pointer: string, data: unknown, name = 'a') =>
  identifier(pointer)({ name, data: typeof data === 'string' ? data : JSON.stringify(data) })

describe('what identifies an event', () => {
  // The examples of RFC 6901, section 5.
  const document = {
    foo: ['bar', 'baz'],
    '': 0,
    'a/b': 1,
    'c%d': 2,
    'e^f': 3,
    'g|h': 4,
    'i\\j': 5,
    'k"l': 6,
    ' ': 7,
    'm~n': 8,
  }
  test.each([
    ['', document],
    ['/foo', ['bar', 'baz']],
    ['/foo/0', 'bar'],
    ['/', 0],
    ['/a~1b', 1],
    ['/c%d', 2],
    ['/e^f', 3],
    ['/g|h', 4],
    ['/i\\j', 5],
    ['/k"l', 6],
    ['/ ', 7],
    ['/m~0n', 8],
  ])('is the value at "%s"', (pointer, value) => {
    expect(isPointer(pointer)).toBe(true)
    expect(idOf(pointer, document)).toBe(`a\n${JSON.stringify(value)}`)
  })

  test('is nothing where there is none', () => {
    for (const data of ['', 'text', 'null', '5', '{}', '[]', '{"id":', { id: 'x'.repeat(255) }])
      expect(idOf('/id', data)).toBeUndefined()
    expect(idOf('/foo/-', document)).toBeUndefined()
    expect(idOf('/constructor', document)).toBeUndefined()
    expect(idOf('/id', { id: 'x'.repeat(254) })).toBeDefined()
  })

  test('tells names and types apart', () => {
    const data = [{ id: 1 }, { id: '1' }, { id: null }, { id: [1] }]
    expect(new Set(data.map((one) => idOf('/id', one))).size).toBe(4)
    expect(idOf('/id', { id: 1 }, 'a')).not.toBe(idOf('/id', { id: 1 }, 'b'))
  })
})

test.each(['a', '/~', '/~2', '/a~', 5, null])('%j is no pointer', (value) => {
  expect(isPointer(value)).toBe(false)
})
