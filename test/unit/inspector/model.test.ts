import { describe, expect, test } from 'vitest'
import type { StreamReport } from '../../../src/index.ts'
import { masked } from '../../../src/inspector/masked.ts'
import { type InspectedStream, Model } from '../../../src/inspector/model.ts'
import { describe as tell } from '../../../src/inspector/rows.ts'
import { INITIAL_STATE, type StreamLife } from '../../../src/link/protocol.ts'
import {
  answerOf,
  connectionLife,
  event,
  NOW,
  streamLife,
  streamReport,
  subscriptionLife,
} from './answers.ts'

const linesOf = ({ rows }: InspectedStream): string[] =>
  rows.map((row) => (row.type === 'event' ? `${row.name} ${row.data}` : tell(row, masked)))

const only = ({ streams }: Model): InspectedStream => {
  expect(streams).toHaveLength(1)
  return streams[0] as InspectedStream
}

describe('what is known of a stream', () => {
  test('is asked for from the last entry on', () => {
    const model = new Model()
    expect(model.seen).toEqual({})
    model.take(answerOf({ streams: [[streamReport(), streamLife({ entries: [event(7, 'a', 'x')] })]] }))
    expect(model.seen).toEqual({ 'log-1': 7 })
  })

  test('has each event with the time at which it came', () => {
    const model = new Model()
    const entries = [1, 2, 3, 4].map((seq) => event(seq, 'a', String(seq)))
    const life = streamLife({
      entries,
      arrivals: [
        [2, NOW - 30],
        [3, NOW - 20],
      ],
    })
    model.take(answerOf({ streams: [[streamReport(), life]] }))
    expect(only(model).rows.map(({ at }) => at)).toEqual([NOW - 30, NOW - 30, NOW - 20, 0])
  })

  test('has connections, states and gaps in line with the events', () => {
    const model = new Model()
    const first = connectionLife({ begunAt: NOW - 5_000, endedAt: NOW - 3_000, end: 'lost' })
    const second = connectionLife({ begunAt: NOW - 2_000, openedAt: NOW - 1_900, resumeAfter: '41' })
    const life = streamLife({
      entries: [
        event(1, 'a', 'x'),
        { type: 'gap', seq: 2, reason: 'history-lost', before: '41', after: '50' },
        event(3, 'a', 'y'),
      ],
      arrivals: [
        [1, NOW - 4_000],
        [3, NOW - 1_000],
      ],
      connections: [first, second],
    })
    model.take(answerOf({ streams: [[streamReport(), life]] }))
    expect(linesOf(only(model))).toEqual([
      'Connection 1 · status 200 · ended: lost',
      'a x',
      'Connection 2 · asked to resume after 41 · status 200 · 1.1 s without one',
      'Gap: history-lost · after 41 · before 50',
      'a y',
    ])
  })

  test('tells in the same line what becomes of a connection', () => {
    const model = new Model()
    const connection = connectionLife({ resumeAfter: '41' })
    model.take(answerOf({ streams: [[streamReport(), streamLife({ connections: [connection] })]] }))
    const proven = { ...connection, repeated: 3, outcome: 'joined' as const }
    model.take(answerOf({ streams: [[streamReport(), streamLife({ connections: [proven] })]] }))
    expect(linesOf(only(model))).toEqual([
      'Connection 1 · asked to resume after 41 · 3 known events came back · joined · status 200',
    ])
  })

  test('numbers connections on where the hub tells of the latest only', () => {
    const model = new Model()
    const begun = [1, 2, 3].map((second) => connectionLife({ begunAt: NOW + second * 1_000 }))
    for (const connections of [begun.slice(0, 2), begun.slice(1)])
      model.take(answerOf({ streams: [[streamReport(), streamLife({ connections })]] }))
    expect(linesOf(only(model)).map((line) => line.split(' · ')[0])).toEqual([
      'Connection 1',
      'Connection 2',
      'Connection 3',
    ])
  })

  test('says how many entries are left out', () => {
    const model = new Model()
    model.take(
      answerOf({
        streams: [[streamReport(), streamLife({ skipped: 1_200, entries: [event(1_201, 'a', 'x')] })]],
      }),
    )
    expect(linesOf(only(model))).toEqual(['1,200 more are not shown', 'a x'])
  })

  test('is no more than is to be kept', () => {
    const model = new Model()
    model.keep = 3
    const entries = [1, 2, 3, 4, 5].map((seq) => event(seq, 'a', String(seq)))
    model.take(answerOf({ streams: [[streamReport(), streamLife({ entries })]] }))
    expect(linesOf(only(model))).toEqual(['a 3', 'a 4', 'a 5'])
  })

  test('is no more than fits, and the latest event however large', () => {
    const model = new Model()
    const megabytes = (size: number) => 'x'.repeat(size * 1_048_576)
    const entries = [event(1, 'a', megabytes(20)), event(2, 'b', megabytes(10)), event(3, 'c', megabytes(8))]
    model.take(answerOf({ streams: [[streamReport(), streamLife({ entries })]] }))
    expect(only(model).rows.map(({ number }) => number)).toEqual([2, 3])
    const life = streamLife({ entries: [event(4, 'd', megabytes(40))] })
    model.take(answerOf({ streams: [[streamReport(), life]] }))
    expect(only(model).rows.map(({ number }) => number)).toEqual([4])
  })

  test('has rates of the stream and of each name', () => {
    const model = new Model()
    for (let second = 0; second <= 5; second++) {
      const counts = [
        { name: 'a', events: 3, characters: 30 },
        { name: 'b', events: 1, characters: 5 },
      ]
      const life = streamLife({ counts, bytes: 1_000 + second * 50 })
      model.take(answerOf({ at: NOW + second * 1_000, streams: [[streamReport(), life]] }))
    }
    const { traffic, names } = only(model)
    const now = NOW + 6_000
    expect([traffic.events.current(now), traffic.size.current(now)]).toEqual([4, 50])
    expect([names.get('a')?.events.current(now), names.get('b')?.size.current(now)]).toEqual([3, 5])
  })

  test('does not take what came before the panel looked for the traffic of a moment', () => {
    const model = new Model()
    const life = streamLife({ counts: [{ name: 'a', events: 9_000, characters: 9_000 }], bytes: 9_000 })
    model.take(answerOf({ streams: [[streamReport(), life]] }))
    expect(
      only(model)
        .traffic.events.history(NOW + 1_000)
        .every((amount) => amount === 0),
    ).toBe(true)
  })

  test('knows how long a tab has waited for what it is sent next', () => {
    const model = new Model()
    const life = streamLife({
      entries: [event(1, 'a', ''), event(2, 'a', '')],
      arrivals: [
        [1, NOW - 900],
        [2, NOW - 400],
      ],
    })
    model.take(answerOf({ streams: [[streamReport(), life]] }))
    const lagOf = (next: number) => only(model).lagOf(subscriptionLife({ next }), NOW)
    expect([lagOf(1), lagOf(2), lagOf(3)]).toEqual([900, 400, 0])
  })
})

describe('a stream that comes and goes', () => {
  test('goes on in one log when another hub takes over', () => {
    const model = new Model()
    model.take(answerOf({ streams: [[streamReport(), streamLife({ entries: [event(5, 'a', 'x')] })]] }))
    const life = streamLife({ id: 'log-2', entries: [event(1, 'a', 'y')] })
    model.take(answerOf({ hubId: 'hub-2', streams: [[streamReport(), life]] }))
    expect(linesOf(only(model))).toEqual(['a x', 'Another hub has taken over', 'a y'])
    expect(model.seen).toEqual({ 'log-2': 1 })
  })

  test('stays in sight when the hub has it no more', () => {
    const model = new Model()
    model.take(answerOf({ streams: [[streamReport(), streamLife({ entries: [event(1, 'a', 'x')] })]] }))
    model.take(answerOf())
    model.take(answerOf())
    expect(only(model).isGone).toBe(true)
    expect(linesOf(only(model))).toEqual(['a x', 'The hub has this stream no more'])
    expect(model.seen).toEqual({})
  })

  test('tells why it has ended, with the connections of its last moment', () => {
    const model = new Model()
    model.take(answerOf({ streams: [[streamReport(), streamLife({ entries: [event(1, 'a', 'x')] })]] }))
    const error = { message: 'the server answered with status 401', status: 401, contentType: '', body: '' }
    const status = { ...INITIAL_STATE, state: 'closed' as const, error }
    const ended = {
      report: streamReport({ state: 'closed' }),
      life: streamLife({
        isYours: false,
        lastSeq: 1,
        status,
        connections: [connectionLife({ end: 'refused' })],
      }),
    }
    for (let look = 0; look < 3; look++) model.take(answerOf({ former: [ended] }))
    const stream = only(model)
    expect([stream.isGone, stream.life.status.error?.message]).toEqual([true, error.message])
    expect(linesOf(stream)).toEqual([
      'a x',
      'Connection 1 · status 200 · ended: refused',
      'The hub has this stream no more',
    ])
    expect([model.seen, model.live.size]).toEqual([{}, 0])
  })

  test('is shown although it came and went between two looks, or before the first', () => {
    const model = new Model()
    const ended = (id: string) => ({ report: streamReport(), life: streamLife({ id }) })
    model.take(answerOf({ former: [ended('log-1')] }))
    model.take(answerOf({ former: [ended('log-2'), ended('log-1')] }))
    expect(model.streams.map(({ life, isGone }) => [life.id, isGone])).toEqual([
      ['log-2', true],
      ['log-1', true],
    ])
  })

  test('goes on among others of its URL, each with one of the next hub', () => {
    const model = new Model()
    const lives = (hub: string) =>
      ['a', 'b'].map((name): [StreamReport, StreamLife] => [
        streamReport(),
        streamLife({ id: `${hub}-${name}`, entries: [event(1, name, hub)] }),
      ])
    model.take(answerOf({ streams: lives('one') }))
    model.take(answerOf({ hubId: 'hub-2', streams: lives('two') }))
    expect(model.streams.map(linesOf)).toEqual([
      ['a one', 'Another hub has taken over', 'a two'],
      ['b one', 'Another hub has taken over', 'b two'],
    ])
  })

  test('is found without a look at all the others', () => {
    const model = new Model()
    let looks = 0
    const lives = Array.from({ length: 2_000 }, (_, index): [StreamReport, StreamLife] => {
      const life = streamLife()
      const id = `log-${index}`
      return [
        streamReport(),
        Object.defineProperty({ ...life }, 'id', {
          get: () => {
            looks++
            return id
          },
        }),
      ]
    })
    for (let look = 0; look < 3; look++) model.take(answerOf({ streams: lives }))
    expect(model.streams).toHaveLength(2_000)
    expect(looks).toBeLessThan(3 * 2_000 * 10)
  })

  test('is another one where its ID is another one at the same hub', () => {
    const model = new Model()
    model.take(answerOf({ streams: [[streamReport(), streamLife()]] }))
    model.take(answerOf({ streams: [[streamReport(), streamLife({ id: 'log-2' })]] }))
    expect(model.streams.map(({ isGone }) => isGone)).toEqual([false, true])
  })
})
