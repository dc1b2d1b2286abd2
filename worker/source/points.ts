import { ownIn, SEPARATOR } from '../../src/link/place.ts'

/** How far one channel has come. */
export interface Point {
  readonly epoch: string
  readonly offset: number
}

export type Points = ReadonlyMap<string, Point>

/** What an ID says: how far each channel had come with the event, and of which one that is. */
export interface Vector {
  readonly channel: string | undefined
  readonly points: Points
}

const SEPARATORS = /[␟,]/

/** @param channel that of the event; none where the ID comes without one */
export function idOf(points: Points, channel?: string): string {
  const others: string[] = []
  let own = ''
  for (const [name, point] of points) {
    if (name === channel) own = wordOf(name, point) + SEPARATOR
    else others.push(wordOf(name, point))
  }
  return own + others.join()
}

const wordOf = (name: string, { epoch, offset }: Point): string =>
  `${encodeURIComponent(name)}=${encodeURIComponent(epoch)}:${offset}`

function vectorOf(id: string): Vector {
  const points = new Map<string, Point>()
  for (const word of id.split(SEPARATORS)) {
    const [name = '', epoch, offset] = word.split(/[=:]/).map(decodeURIComponent)
    if (epoch !== undefined && offset !== undefined) points.set(name, { epoch, offset: Number(offset) })
  }
  const [channel] = points.keys()
  return { channel: id.includes(SEPARATOR) ? channel : undefined, points }
}

/** What is known of a stream that resumes. */
export class Behind {
  readonly #first: Points
  /** Of the known events, in order. */
  readonly latest: readonly Vector[]
  /** IDs of known events that come again, by what they are. */
  readonly #ids: ReadonlyMap<string, string>

  /** @param latest IDs of the known events behind the one to resume after, in order */
  constructor(resumeAfter: string, latest: readonly string[]) {
    this.#first = vectorOf(resumeAfter).points
    this.latest = latest.map(vectorOf)
    this.#ids = new Map(latest.map((id) => [ownIn(id), id]))
  }

  /** From where on a channel is asked for, so that all known events come again. */
  before(channel: string): Point | undefined {
    const first = this.#first.get(channel)
    if (first !== undefined) return first
    // It was added later.
    const vector = this.latest.find(({ points }) => points.has(channel))
    const point = vector?.points.get(channel)
    return point && vector?.channel === channel ? { ...point, offset: point.offset - 1 } : point
  }

  /** How far it has come, as far as is known. */
  furthest(channel: string): Point | undefined {
    const vector = this.latest.findLast(({ points }) => points.has(channel))
    return (vector?.points ?? this.#first).get(channel)
  }

  /** The ID that an event has had so far. Where more channels are asked for, it would have another one. */
  knownId(id: string): string {
    return this.#ids.get(ownIn(id)) ?? id
  }
}
