import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { keysOf, valueAt } from '../../../src/link/identify.ts'
import { Frame } from '../../../worker/source/frame.ts'
import { JsonText, type Wanted, wantedBy } from '../../../worker/source/json-text.ts'

type Part = 'one' | 'other'

const wanted = (one: string, other: string): Wanted<Part> =>
  wantedBy<Part>([
    ['one', keysOf(one)],
    ['other', keysOf(other)],
  ])

const wholeOf = (text: string, one = '/a', other = '/b') => new JsonText<Part>(text).whole(wanted(one, other))

describe('a text of JSON gives', () => {
  test.each<[string, string, string, object]>([
    [
      'members as they are written',
      '{"a": 1.10, "b" :{ "x":[1 ,2] } }',
      '/a',
      { one: '1.10', other: '{ "x":[1 ,2] }' },
    ],
    ['a number that JavaScript rounds', '{"a":12345678901234567890}', '/a', { one: '12345678901234567890' }],
    ['a member of a member', '{"c":{"d":[0,"x"]},"b":null}', '/c/d/1', { one: '"x"', other: 'null' }],
    ['a member and all around it', '{"b":{"c":1}}', '/b/c', { one: '1', other: '{"c":1}' }],
    ['a key with escapes', '{"\\u0061":true}', '/a', { one: 'true' }],
    [
      'a text with quotation marks and backslashes',
      '{"a":"\\\\\\"}\\\\","b":0}',
      '/a',
      { one: '"\\\\\\"}\\\\"', other: '0' },
    ],
    ['of equal keys the last', '{"a":1,"a":2}', '/a', { one: '2' }],
    ['nothing of a value that has no members', '"text"', '/a', {}],
    ['itself', ' [] ', '', { one: '[]' }],
    ['nothing that it has not', '{}', '/a', {}],
  ])('%s', (_, text, one, expected) => {
    expect(wholeOf(text, one)).toEqual(expected)
  })

  test('what JSON.parse() gives, wherever that is', () => {
    const spaced = (text: string, space: string) => text.replace(/(?<=^[{[])|(?=[}\]]$)/g, space)
    const keys = fc.constantFrom('a', 'b', '0', '1', 'c"\\', 'ü')
    const { json } = fc.letrec<{ json: unknown }>((tie) => ({
      json: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(null, true, -0.5, 1e21, 0, '', '"', '\\', '{"a":', ']'),
        fc.array(tie('json'), { maxLength: 3 }),
        fc.dictionary(keys, tie('json'), { maxKeys: 4 }),
      ),
    }))
    const path = fc.array(keys, { maxLength: 3 })
    fc.assert(
      fc.property(json, path, path, fc.constantFrom('', ' ', '\n\t\r'), (value, one, other, space) => {
        const text = spaced(JSON.stringify(value), space)
        const found = new JsonText<Part>(text).whole(
          wantedBy<Part>([
            ['one', one],
            ['other', other],
          ]),
        )
        const parse = (json: string | undefined) => (json === undefined ? undefined : JSON.parse(json))
        expect(parse(found?.one)).toEqual(valueAt(JSON.parse(text), one))
        expect(parse(found?.other)).toEqual(valueAt(JSON.parse(text), other))
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('no JSON is', () => {
  test.each([
    '',
    'hello',
    '{"a":1',
    '{"a":"x}',
    '{"a":1}}',
    '{"a" 1}',
    '{a:1}',
    '{"a":1,}',
    '{"a":}',
    '{"a":1 "b":2}',
    '{"a":[1}',
    '{"\\x":1}',
    '{"a":01}',
    '[1] 2',
    '"text',
  ])('%s', (text) => {
    expect(wholeOf(text)).toBeUndefined()
  })

  test('a list with an element that is none', () => {
    const list = (text: string) => new JsonText<Part>(text).elements(wanted('/a', '/b'))
    expect(list('[{"a":1},{"b" 2}]')).toBeUndefined()
    expect(list('[{"a":1},]')).toBeUndefined()
    expect(list('[ {"a":1} , 2 ]')).toEqual([
      { text: '{"a":1}', found: { one: '1' } },
      { text: '2', found: {} },
    ])
    expect(list('[ ]')).toEqual([])
  })
})

test.each([
  ['quotation marks', (size: number) => `{"x":"${'\\"'.repeat(size / 2)}"}`],
  ['backslashes', (size: number) => `{"x":"${'\\'.repeat(size)}"}`],
  ['brackets', (size: number) => `{"x":${'['.repeat(size / 2)}${']'.repeat(size / 2)}}`],
  ['members', (size: number) => `{${Array.from({ length: size / 8 }, () => '"x":0').join()}}`],
  ['white space', (size: number) => `{"x":${' '.repeat(size)}0}`],
])('many %s are read in linear time', (_, make) => {
  const frame = new Frame({ name: '/a', each: '/list' })
  const time = (text: string): number => {
    const begun = performance.now()
    frame.eventsOf(text)
    return performance.now() - begun
  }
  const [small, large] = [make(65_536), make(1_048_576)]
  // Sixteen times the size, where a square would be 256 times the time.
  const most = 100
  let [least, ratio] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  // A busy machine makes some rounds longer, and what takes longer more often.
  for (let round = 0; round < 30 && ratio >= most; round++) {
    least = Math.min(least, Math.max(time(small), 0.5))
    ratio = Math.min(ratio, time(large) / least)
  }
  expect(ratio).toBeLessThan(most)
})
