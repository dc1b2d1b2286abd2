import { expect, test } from 'vitest'
import { bufferingVerdict, showsPace } from '../../../src/tester/buffering-verdict.ts'
import type { Chunk, Recording } from '../../../src/tester/recording.ts'

/** Chunks in short: when, how many bytes, how many events were complete, and `!` where it ends within an event. */
type Short = readonly [at: number, size: number, events: number, within?: '!']

interface Course {
  readonly headAt?: number
  readonly chunks?: readonly Short[]
  /** When the server has ended the response. */
  readonly endedAt?: number
  readonly resumeAfter?: string
  readonly headers?: Readonly<Record<string, string>>
}

function recordingOf({
  headAt = 5,
  chunks = [],
  endedAt,
  resumeAfter = '',
  headers = {},
}: Course): Recording {
  const all = chunks.map(([at, size, events, within]): Chunk => {
    return { at, size, events, offset: 0, endsInEvent: within === '!' }
  })
  const sum = (of: (chunk: Chunk) => number) => all.reduce((total, chunk) => total + of(chunk), 0)
  return {
    resumeAfter,
    head: { at: headAt, status: 200 },
    chunks: all,
    bytes: sum(({ size }) => size),
    eventCount: sum(({ events }) => events),
    firstByteAt: all[0]?.at,
    lastByteAt: all.at(-1)?.at,
    endedAt: endedAt ?? 10_000,
    isEndedByServer: endedAt !== undefined,
    end: '',
    header: (name: string) => headers[name],
  } as unknown as Recording
}

const EVERY_SECOND: readonly Short[] = [1, 2, 3, 4, 5].map((second) => [second * 1_000, 60, 1] as const)

test.each<[string, Course, string, string]>([
  ['events come one by one', { chunks: EVERY_SECOND }, 'no', '5 bursts of at most 1 event each'],
  [
    'events come without a pause',
    { chunks: Array.from({ length: 100 }, (_, index) => [index * 10, 16_384, 100, '!'] as const) },
    'no',
    '1.6 MB came without a pause',
  ],
  [
    'a replay comes first, and then events one by one',
    { resumeAfter: '7', chunks: [[10, 9_000, 80], ...EVERY_SECOND] },
    'no',
    '6 bursts of at most 80 events each',
  ],
  [
    'it stands still within one event, as after a lost packet',
    { chunks: [[10, 1_460, 9, '!'], [260, 40, 1], ...EVERY_SECOND] },
    'no',
    '7 bursts',
  ],
  [
    'it stands still within events again and again',
    {
      chunks: [
        [500, 4_096, 30, '!'],
        [1_000, 4_096, 30, '!'],
        [1_500, 4_096, 30, '!'],
      ],
    },
    'yes',
    '2 bursts of 4.1 kB to 4.1 kB ended within an event',
  ],
  [
    'bursts are as large as a buffer',
    {
      chunks: [
        [500, 8_150, 30],
        [1_000, 8_190, 30],
        [1_500, 8_170, 30],
      ],
    },
    'yes',
    '2 bursts of 8.2 kB to 8.2 kB came, as from a buffer',
  ],
  [
    'bursts are of other sizes',
    {
      chunks: [
        [500, 700, 5],
        [1_000, 2_100, 15],
        [1_500, 700, 5],
      ],
    },
    'maybe',
    '2 bursts of 5 to 15 events came',
  ],
  [
    'all comes with the end',
    { chunks: [[3_000, 900, 8]], endedAt: 3_010 },
    'yes',
    'nothing came for 3.0 s, then 8 events and the end of the response together',
  ],
  [
    'head and events come late, together',
    { headAt: 2_000, chunks: [[2_001, 900, 8]] },
    'maybe',
    'the head came after 2.0 s, together with 8 events',
  ],
  ['nothing comes', {}, 'cannot tell', 'the head came, and no byte after it within 10 s'],
  ['all comes at once, and then nothing', { chunks: [[10, 900, 8]] }, 'cannot tell', 'came together'],
])('%s', (_, course, answer, words) => {
  const verdict = bufferingVerdict([recordingOf(course)], '')
  expect(verdict.answer).toBe(answer)
  expect(verdict.evidence[0] ?? verdict.words).toContain(words)
})

test('the pace shows when events have come in more than three bursts, or much has come', () => {
  expect(showsPace(recordingOf({ chunks: EVERY_SECOND.slice(0, 3) }))).toBe(false)
  expect(showsPace(recordingOf({ chunks: EVERY_SECOND.slice(0, 4) }))).toBe(true)
  expect(showsPace(recordingOf({ chunks: [[5, 300_000, 900]] }))).toBe(true)
})

test('risks are told of a stream alone', () => {
  expect(bufferingVerdict([recordingOf({})], '').risks).toHaveLength(2)
  expect(bufferingVerdict([recordingOf({})], 'status 503').risks).toEqual([])
  const headers = { 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no' }
  expect(bufferingVerdict([recordingOf({ headers })], '').risks).toEqual([])
})
