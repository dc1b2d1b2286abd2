import type { Due, Point, Recorded, SimSubscription } from './page.ts'
import type { ServedEvent, VirtualServer } from './world/server.ts'

/** A record that is not the next event of the server costs more than an event that is missing. */
const STRANGE = 3
const MISSING = 1

/**
 * Which of the server's events each record of a page is: its number, 0 where it can be none, `undefined` for records of
 * other types.
 *
 * Where events are alike, several answers can be right. Then the page is given the one with the fewest problems: what
 * nobody can tell from a right outcome is one.
 *
 * @param mayBeMissing whether an event may be missing in silence
 */
export function identify(
  subscription: SimSubscription,
  mayBeMissing: (event: ServedEvent) => boolean,
): (number | undefined)[] {
  const { server, records } = subscription
  if (server.hasAlikeEvents) return alignment(subscription, mayBeMissing)
  return records.map((record) => (record.type === 'event' ? numberInData(server, record) : undefined))
}

/** The number of the event at a point in the server's order. */
export function numberAt(point: Point, numbers: readonly (number | undefined)[]): number {
  if ('sent' in point) return point.sent
  if ('record' in point) return numbers[point.record] ?? 0
  return numbers.slice(0, point.records).reduce<number>((most, number = 0) => Math.max(most, number), 0)
}

type EventRecord = Extract<Recorded, { type: 'event' }>

function numberInData(server: VirtualServer, { looks }: EventRecord): number {
  const number = Number(looks.data.slice(server.name.length))
  const event = server.events[number - 1]
  const isIt =
    event !== undefined &&
    event.data === looks.data &&
    event.name === looks.name &&
    (event.id === undefined || event.id === looks.id)
  return isIt ? number : 0
}

/**
 * The cheapest way to go through records and events side by side. In each step a record is an event, or a record is no
 * event that could come here, or an event is missing.
 */
function alignment(
  { server, records, due }: SimSubscription,
  mayBeMissing: (event: ServedEvent) => boolean,
): (number | undefined)[] {
  const given = records.flatMap((record, index) => (record.type === 'event' ? [{ ...record, index }] : []))
  const { events } = server
  const width = events.length + 1
  const costs = new Float64Array((given.length + 1) * width).fill(Number.POSITIVE_INFINITY)
  const steps = new Uint8Array(costs.length)
  const MATCH = 1
  const STRANGER = 2
  const GONE = 3
  const improve = (row: number, column: number, cost: number, step: number) => {
    const at = row * width + column
    if (cost >= (costs[at] ?? 0)) return
    costs[at] = cost
    steps[at] = step
  }
  costs[0] = 0
  for (let row = 0; row <= given.length; row++) {
    const record = given[row]
    const isTold = records
      .slice((given[row - 1]?.index ?? -1) + 1, record?.index)
      .some(({ type }) => type === 'gap')
    for (let column = 0; column <= events.length; column++) {
      const cost = costs[row * width + column] ?? 0
      const event = events[column]
      if (record !== undefined) improve(row + 1, column, cost + STRANGE, STRANGER)
      if (event === undefined) continue
      const isMissed = !isTold && !mayBeMissing(event) && isDueAt(due, event, given, row)
      improve(row, column + 1, cost + (isMissed ? MISSING : 0), GONE)
      const isMatch =
        record !== undefined &&
        event.number <= record.sentByThen &&
        server.hasLooked(event.number, record.looks)
      if (isMatch) improve(row + 1, column + 1, cost, MATCH)
    }
  }
  const numbers: (number | undefined)[] = records.map(({ type }) => (type === 'event' ? 0 : undefined))
  for (let row = given.length, column = events.length; row > 0 || column > 0; ) {
    const step = steps[row * width + column]
    const record = given[row - 1]
    if (step === MATCH && record !== undefined) numbers[record.index] = column
    if (step !== GONE) row--
    if (step !== STRANGER) column--
  }
  return numbers
}

/** Whether an event is due that would stand before the record in this row. */
function isDueAt(
  due: readonly Due[],
  { name, number }: ServedEvent,
  given: readonly { index: number }[],
  row: number,
): boolean {
  const isBehind = (point: Point): boolean => {
    if ('sent' in point) return number > point.sent
    const index = 'record' in point ? point.record : point.records - 1
    return (given[row]?.index ?? Number.POSITIVE_INFINITY) > index
  }
  return due.some((one) => one.name === name && isBehind(one.after) && !(one.upTo && isBehind(one.upTo)))
}
