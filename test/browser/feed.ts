import { onTestFinished } from 'vitest'
import type { ServerEvent } from './channel.ts'
import type { RecordedEvent } from './recorder.ts'
import { Changes } from './until.ts'

/** Gives an event to whoever is connected: a channel, or another server. */
export interface Sender {
  send(event: ServerEvent): void
}

/** Milliseconds between two events, where nothing else is said. */
export const PACE = 5

/** A server that always has something to say: numbered events, one by one at a steady pace, until it is stopped. */
export class Feed {
  readonly sent: RecordedEvent[] = []
  readonly #sender: Sender
  readonly #nameOf: (number: number) => string
  readonly #pace: number
  readonly #changes = new Changes()
  #timer: ReturnType<typeof setInterval> | undefined

  /** @param pace milliseconds between two events */
  constructor(sender: Sender, nameOf: (number: number) => string, pace = PACE) {
    this.#sender = sender
    this.#nameOf = nameOf
    this.#pace = pace
    onTestFinished(() => this.stop())
  }

  get length(): number {
    return this.sent.length
  }

  start(): void {
    this.#timer = setInterval(() => this.send(this.#nameOf(this.length + 1)), this.#pace)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  send(name: string): void {
    const number = String(this.length + 1)
    this.#sender.send({ event: name, data: number, id: number })
    this.sent.push({ type: name, data: number, lastEventId: number })
    this.#changes.changed()
  }

  /** Resolves when so many more events have been sent. */
  more(count: number): Promise<void> {
    const goal = this.length + count
    return this.#changes.until(
      () => this.length >= goal,
      () => `event ${goal} of a feed that is at ${this.length}`,
    )
  }
}

/** What is wrong with what a tab has received, or would be if it had not been told. */
export interface Findings {
  /** Events that never came, and where they are missing no gap was told. */
  lostInSilence: string[]
  /** Events that came a second time, or after a later one. */
  repeated: string[]
  /** Events that nobody has sent to this tab. */
  strange: string[]
  /** Events that never came, and where they are missing a gap was told. */
  lost: string[]
  /** The gaps, each with the IDs of the events around it in this tab: 'history-lost between 3 and 7'. */
  gaps: string[]
  /** Gaps that name a last event before them which is not where they are. */
  misplaced: string[]
}

/** All is well. */
export const NOTHING: Findings = {
  lostInSilence: [],
  repeated: [],
  strange: [],
  lost: [],
  gaps: [],
  misplaced: [],
}

/**
 * What of a feed is due to a tab that listens to these names.
 *
 * @param joined the number of the last event that was sent before its source was known to be open
 */
export function dueOf(
  { sent }: Feed,
  names: readonly string[],
  joined: number,
  received: readonly RecordedEvent[],
): RecordedEvent[] {
  // What came before its source was known to be open may have come, and then nothing after it may be missing.
  const earliest = received.find(({ type }) => type !== 'gap')
  const first = Math.min(Number(earliest?.lastEventId ?? joined + 1), joined + 1)
  return sent.slice(first - 1).filter(({ type }) => names.includes(type))
}

/** Compares what a tab has received with what it was due, both to the end of the feed. */
export function examine(received: readonly RecordedEvent[], due: readonly RecordedEvent[]): Findings {
  const findings: Findings = {
    lostInSilence: [],
    repeated: [],
    strange: [],
    lost: [],
    gaps: [],
    misplaced: [],
  }
  const indices = new Map(due.map((event, index) => [keyOf(event), index]))
  let next = 0
  let gaps: RecordedEvent[] = []
  for (const event of received) {
    if (event.type === 'gap') {
      gaps.push(event)
      continue
    }
    const index = indices.get(keyOf(event))
    if (index === undefined) {
      findings.strange.push(keyOf(event))
      continue
    }
    if (index < next) {
      findings.repeated.push(event.data)
      continue
    }
    const missing = due.slice(next, index).map(({ data }) => data)
    if (gaps.length > 0) findings.lost.push(...missing)
    else findings.lostInSilence.push(...missing)
    const before = due[next - 1]?.data ?? '0'
    for (const gap of gaps) {
      findings.gaps.push(`${gap.data} between ${before} and ${event.data}`)
      const isHere = Number(gap.lastEventId) >= Number(before) && Number(gap.lastEventId) < Number(event.data)
      if (!isHere) findings.misplaced.push(`before "${gap.lastEventId}", between ${before} and ${event.data}`)
    }
    gaps = []
    next = index + 1
  }
  findings.lostInSilence.push(...due.slice(next).map(({ data }) => data))
  findings.gaps.push(...gaps.map(({ data }) => `${data} at the end`))
  return findings
}

const keyOf = ({ type, data, lastEventId }: RecordedEvent): string => `${type} ${data} ${lastEventId}`
