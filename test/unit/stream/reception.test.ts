import { describe, expect, test } from 'vitest'
import type { Entry } from '../../../src/link/protocol.ts'
import { Log } from '../../../worker/log/log.ts'
import { Reception } from '../../../worker/stream/reception.ts'
import { Takeover } from '../../../worker/stream/takeover.ts'

/** Counts the entries that are looked at. */
class CountedLog extends Log {
  looks = 0

  override at(seq: number): Entry | undefined {
    this.looks++
    return super.at(seq)
  }
}

const head = { origin: 'https://dash.test', deniesResumption: false }

/** How many of the last events a server brings in their order, so that the replay joins what is known. */
const IN_ORDER = 32

/** A server that has sent events 1 to `count`, and is connected to once more. */
function resumed(count: number): { log: CountedLog; bring: (ordinal: number, data?: string) => boolean } {
  const log = new CountedLog({ events: 1e6, bytes: 1e9 })
  const reception = new Reception(log, new Takeover())
  const bring = (ordinal: number, data = `${ordinal}`) =>
    reception.event({ name: `name ${ordinal % 7}`, data, id: `${ordinal}` })
  const connect = () => {
    reception.resume(true)
    reception.opened(head)
  }
  connect()
  for (let ordinal = 1; ordinal <= count; ordinal++) bring(ordinal)
  reception.lost()
  connect()
  return { log, bring }
}

test('where nobody expects the server to resume, events without an ID are counted on', () => {
  const log = new Log({ events: 1e6, bytes: 1e9 })
  const reception = new Reception(log, new Takeover())
  for (let round = 0; round < 2; round++) {
    reception.resume(false)
    reception.opened(head)
    reception.event({ name: 'a', data: 'x', id: undefined })
    reception.lost()
  }
  expect([1, 2].map((seq) => log.at(seq))).toMatchObject([
    { id: '', nth: 1 },
    { id: '', nth: 2 },
  ])
})

describe('a replay in another order', () => {
  /** The whole of it: the older events from the newest back, then the rest as they were. */
  const replayOf = (count: number): number[] => {
    const ordinals = Array.from({ length: count }, (_, index) => index + 1)
    return [...ordinals.slice(0, -IN_ORDER).reverse(), ...ordinals.slice(-IN_ORDER)]
  }

  test('brings nothing twice', () => {
    const { log, bring } = resumed(100)
    expect(replayOf(100).map((ordinal) => bring(ordinal))).toEqual(Array(100).fill(false))
    expect(bring(101)).toBe(true)
    expect(log.lastSeq).toBe(101)
  })

  test('has each entry of the log looked at once', () => {
    for (const count of [1_000, 4_000]) {
      const { log, bring } = resumed(count)
      log.looks = 0
      for (const ordinal of replayOf(count)) bring(ordinal)
      expect(log.looks).toBeLessThanOrEqual(count)
    }
  })

  test('with other data for an ID that is known is new, after a gap', () => {
    const { log, bring } = resumed(100)
    expect(bring(50, 'other')).toBe(true)
    expect(log.at(101)).toMatchObject({ type: 'gap', reason: 'history-lost' })
  })
})
