import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { keysOf, valueAt } from '../../../src/link/identify.ts'
import { Frame } from '../../../worker/source/frame.ts'
import { JsonText, type Wanted, wantedBy } from '../../../worker/source/json-text.ts'
import { heapInUse } from '../heap.ts'

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

describe('elements of a list give', () => {
  const elementsOf = (list: string, paths: Wanted<Part>) => {
    const elements: object[] = []
    const isRead = new JsonText<Part>(list).elements(paths, (found, begin, end) => {
      elements.push({ ...found, text: list.slice(begin, end) })
    })
    return isRead && elements
  }

  test.each([
    ['what is wanted of a value that had no members before', '/a/x', '/b', ['{"a":0}', '{"a":{"x":1}}']],
    ['what is wanted of one that had', '/a/x', '/b', ['{"a":{"x":1}}', '{"a":0}', '{"a":{"x":2}}']],
    ['a member and all around it', '/a/x', '/a', ['{"a":{"x":1}}', '{"a":{"x":[2]}}']],
    ['of equal keys the last', '/a', '/b', ['{"a":1,"a":2}', '{"a":3,"a":4}']],
    ['members in another order', '/a', '/b', ['{"a":1,"b":2}', '{"b":3,"a":4}', '{"b":"a","a":"b"}']],
    [
      'members behind what is not wanted',
      '/a',
      '/b',
      ['{"t":1,"a":2}', '{"t":{"a":3},"a":4}', '{"t":5,"u":6}'],
    ],
    ['members of a list', '/a/1', '/b', ['{"a":[1,2]}', '{"a":[3,4]}', '{"a":[5,6,7]}', '{"a":[]}']],
    ['what has no members', '/a', '/b', ['1', '{"a":2}', '[]', '"a"', '{"a":3}']],
    ['themselves', '', '/b', ['{"b":1}', '{"b":2}', '3']],
    ['members that are longer', '/a', '/b', ['{"a":1}', '{"a":12}', '{"a":1.5e3}', '{"a":1 }', '{"a":"1}"}']],
  ])('%s', (_, one, other, elements) => {
    const expected = elements.map((text) => ({ ...wholeOf(text, one, other), text }))
    expect(elementsOf(`[${elements.join()}]`, wanted(one, other))).toEqual(expected)
  })

  test.each(['', 'ü'.repeat(500), 'x'.repeat(2_000)])(
    'what each gives alone, also in a text of %s',
    (padding) => {
      const value = fc.constantFrom(
        '1',
        '-2.5',
        'null',
        '"a"',
        '"\\""',
        '{}',
        '[1,{"a":2}]',
        '{"b":3}',
        '{"a":{"b":4}}',
      )
      const key = fc.constantFrom('a', 'b', 'c')
      const element = fc
        .array(fc.tuple(key, value), { maxLength: 4 })
        .map((members) => `{${members.map(([name, text]) => `"${name}":${text}`).join()}}`)
      const path = fc.array(key, { maxLength: 2 })
      fc.assert(
        fc.property(
          fc.array(fc.oneof(element, value), { maxLength: 6 }),
          path,
          path,
          (elements, one, other) => {
            const paths = wantedBy<Part>([
              ['one', one],
              ['other', other],
            ])
            // Each stands there twice, for the second is read as the first has been.
            const all = [...elements, JSON.stringify(padding)].flatMap((text) => [text, text])
            const expected = all.map((text) => ({ ...new JsonText<Part>(text).whole(paths), text }))
            expect(elementsOf(`[${all.join()}]`, paths)).toEqual(expected)
          },
        ),
        { numRuns: 1_000 },
      )
    },
  )

  test('nothing where they differ as those before did, and one is no JSON', () => {
    expect(elementsOf('[{"a":1},{"a":2},{"a":3]]', wanted('/a', '/b'))).toBe(false)
    expect(elementsOf('[{"a":1},{"a":2},{"a":}]', wanted('/a', '/b'))).toBe(false)
    expect(elementsOf('[{"a":1},{"a":"2}]', wanted('/a', '/b'))).toBe(false)
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
    const list = (text: string) => new JsonText<Part>(text).elements(wanted('/a', '/b'), () => {})
    expect(list('[{"a":1},{"b" 2}]')).toBe(false)
    expect(list('[{"a":1},]')).toBe(false)
    expect(list('[ {"a":1} , 2 ]')).toBe(true)
    expect(list('[ ]')).toBe(true)
  })
})

test.each([
  ['quotation marks', (size: number) => `{"x":"${'\\"'.repeat(size / 2)}"}`],
  ['backslashes', (size: number) => `{"x":"${'\\'.repeat(size)}"}`],
  ['brackets', (size: number) => `{"x":${'['.repeat(size / 2)}${']'.repeat(size / 2)}}`],
  ['members', (size: number) => `{${Array.from({ length: size / 8 }, () => '"x":0').join()}}`],
  [
    'elements',
    (size: number) =>
      `{"list":[${Array.from({ length: size / 16 }, (_, at) => `{"${'ab'[at % 2]}":[]}`).join()}]}`,
  ],
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

describe('an event keeps in memory', () => {
  const list = new Frame({ name: '/name', id: '/id', data: '/data', each: '' })
  const listWithin = new Frame({ name: '/name', id: '/id', data: '/data', each: '/list' })

  /** Bytes that are kept of the last events of so many messages. */
  const keptOf = (messages: number, make: () => string, frame: Frame): number => {
    // As it comes from a socket: in one piece.
    const buffer = Buffer.from(make())
    const kept: unknown[] = []
    const before = heapInUse()
    for (let at = 0; at < messages; at++) kept.push(frame.eventsOf(buffer.toString('latin1'))?.at(-1))
    const bytes = heapInUse() - before
    expect(kept).toHaveLength(messages)
    return bytes
  }

  const data = '0'.repeat(20)

  test.each<[string, number, () => string, Frame?]>([
    [
      'a message',
      1_000,
      () => `{"x":"${'x'.repeat(32_000)}","name":"${data}","id":"${data}","data":"${data}"}`,
    ],
    [
      'a list',
      1_000,
      () => `[{"x":"${'x'.repeat(32_000)}","data":0},{"name":"${data}","id":"${data}","data":"${data}"}]`,
    ],
    ['a long list', 100, () => `[${Array(10_000).fill(`{"id":"${data}","data":"${data}"}`).join()}]`],
    [
      'what a list is within',
      100,
      () => `{"x":"${'x'.repeat(320_000)}","list":[{"id":"${data}","data":"${data}"}]}`,
      listWithin,
    ],
  ])('nothing else of %s', (_, messages, make, frame = list) => {
    expect(keptOf(messages, make, frame)).toBeLessThan(4_000_000)
  })
})
