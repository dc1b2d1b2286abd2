import type { EventEntry } from '../../src/link/protocol.ts'
import type { Log } from '../log/log.ts'
import type { Head, SourceEvent } from '../source/source.ts'
import { type Anchor, anchorAt, NOWHERE, Resumption } from './resumption.ts'
import type { Takeover } from './takeover.ts'

/** What the server sends, on its way into the log: IDs are completed, repetitions dropped, gaps noticed. */
export class Reception {
  readonly #log: Log
  readonly #takeover: Takeover
  /** The last event ID in effect, and how many events since the line that set it. */
  #lastEventId = ''
  #nth = 0
  /** The ID that came without an event after the last event, if one did. */
  #lone: string | undefined
  /** The present connection has brought an ID. */
  #hasBroughtId = false
  #eventCount = 0
  #hasNumbered = false
  #hasUnnumbered = false
  #hasOpened = false
  /** Somebody expects the server to resume. */
  #isExpected = true
  /** Where the present connection resumes. */
  #anchor = NOWHERE
  /** As long as the present connection may bring what is known. */
  #resumption: Resumption | undefined

  constructor(log: Log, takeover: Takeover) {
    this.#log = log
    this.#takeover = takeover
  }

  /** From where to resume so as to join the log just after `seq`. */
  anchorAt(seq: number): Anchor {
    const { start } = this.#takeover
    return anchorAt(this.#log, seq, this.#isMixed, start?.resumeAfter ?? '') ?? start ?? NOWHERE
  }

  /** There is an ID to resume after. */
  get canResume(): boolean {
    return this.#anchorNow().resumeAfter !== ''
  }

  /**
   * A connection begins. Answers with the ID to resume after, `''` for none.
   *
   * @param isExpected somebody expects the server to resume; otherwise nothing is asked for, and nothing told as a gap
   */
  resume(isExpected: boolean): string {
    this.#isExpected = isExpected
    this.#takeover.settle()
    this.#anchor = isExpected ? this.#anchorNow() : NOWHERE
    this.#hasBroughtId = false
    const { lastEvent } = this.#log
    const [id, nth] = isExpected
      ? [this.#anchor.resumeAfter, 0]
      : this.#lone === undefined
        ? [lastEvent?.id ?? '', lastEvent?.nth ?? 0]
        : [this.#lone, 0]
    this.#lastEventId = id
    this.#nth = nth
    return this.#anchor.resumeAfter
  }

  opened({ deniesResumption }: Head): void {
    if (this.#eventCount === 0) this.#takeover.setDenied(deniesResumption)
    const isFirst = !this.#hasOpened
    this.#hasOpened = true
    if (this.#log.lastEvent !== undefined && this.#anchor.resumeAfter !== '') {
      this.#resumption = new Resumption(this.#anchor, this.#finder(), () => !deniesResumption)
    } else if (!isFirst && this.#isExpected) {
      this.#gap('unresumable', '')
    }
  }

  /** The connection has ended. */
  lost(): void {
    this.#resumption = undefined
  }

  idAlone(id: string): void {
    this.#takeId(id)
    // During a replay it may be an old one.
    const isReplay =
      this.#resumption?.isSearching ?? (this.#eventCount === 0 && this.#takeover.start !== undefined)
    if (!isReplay) this.#lone = id
  }

  /** Tells whether the event was new, and has been logged. */
  event({ name, data, id }: SourceEvent): boolean {
    if (id === undefined) this.#nth++
    else this.#takeId(id)
    if (this.#resumption !== undefined) {
      const place = { id: this.#lastEventId, nth: this.#nth }
      const entry = { type: 'event', seq: 0, name, data, ...place, ordinal: 0 } as const
      const verdict = this.#resumption.judge(entry, true)
      if (verdict === 'seen') return false
      this.#resumption = undefined
      this.#continueId()
      if (verdict !== 'new') this.#gap(this.#isMixed ? 'unresumable' : 'history-lost', this.#lastEventId)
    }
    if (this.#nth > 0) this.#hasUnnumbered = true
    else if (this.#lastEventId !== '') this.#hasNumbered = true
    this.#lone = undefined
    this.#log.append({
      type: 'event',
      name,
      data,
      id: this.#lastEventId,
      nth: this.#nth,
      ordinal: ++this.#eventCount,
    })
    return true
  }

  /** Where the next connection resumes. */
  #anchorNow(): Anchor {
    const anchor = this.anchorAt(this.#log.lastSeq)
    if (this.#lone === undefined) return anchor
    // The server has moved the place to resume after past the last event: nothing known lies behind it.
    return { ...anchor, resumeAfter: this.#lone, expect: [], unproven: true }
  }

  /** Whether the log has an event just like this one. */
  #finder(): (event: EventEntry) => boolean {
    // Indexed only when it is needed: most replays bring just what is expected.
    let index: Map<string, Set<string>> | undefined
    return (event) => {
      index ??= indexOf(this.#log)
      return index.get(keyOf(event))?.has(event.data) === true
    }
  }

  #takeId(id: string): void {
    this.#lastEventId = id
    this.#nth = 0
    this.#hasBroughtId = true
  }

  /** Some events bring an ID and some do not. */
  get #isMixed(): boolean {
    return (this.#hasNumbered && this.#hasUnnumbered) || this.#takeover.start?.mixed === true
  }

  /** [spec] The last event ID outlives a connection that brings none; ours was set back to resume earlier.
   *  https://html.spec.whatwg.org/multipage/server-sent-events.html#concept-event-stream-last-event-id */
  #continueId(): void {
    if (this.#hasBroughtId || this.#lone !== undefined) return
    const last = this.#log.lastEvent
    if (last === undefined) return
    this.#lastEventId = last.id
    this.#nth = last.nth + 1
  }

  #gap(reason: 'unresumable' | 'history-lost', after: string): void {
    this.#log.append({ type: 'gap', reason, before: this.#log.lastEvent?.id ?? '', after })
  }
}

/** The data of a log's events, by what else identifies an event. */
function indexOf(log: Log): Map<string, Set<string>> {
  const index = new Map<string, Set<string>>()
  for (const event of log.eventsAfter(0)) {
    const key = keyOf(event)
    index.set(key, (index.get(key) ?? new Set()).add(event.data))
  }
  return index
}

const keyOf = ({ id, nth, name }: EventEntry): string => JSON.stringify([id, nth, name])
