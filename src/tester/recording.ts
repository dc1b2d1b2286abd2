import { Blocks, type Frame } from './blocks.ts'

/** So many frames and chunks are kept of a connection, and so much of its text, in characters. The rest is counted. */
const MOST_KEPT = 2_000
const MOST_TEXT = 65_536

/** Why a connection was made. */
export type Purpose =
  /** Nothing is known yet. */
  | 'begin'
  /** The server has ended the one before, and more events are needed to ask for. */
  | 'continue'
  /** To resume as tabstream does: one event earlier than necessary. */
  | 'one event earlier'
  /** To resume as `EventSource` does. */
  | 'last ID'
  /** To resume after an ID that no server knows. */
  | 'unknown ID'

/** A frame, and when it had arrived, in ms after the request. */
export type TimedFrame = Frame & { readonly at: number }

/** Bytes that arrived together. */
export interface Chunk {
  /** In ms after the request. */
  readonly at: number
  /** In bytes, after decompression. */
  readonly size: number
  /** Where it begins in the text of the connection, in characters. */
  readonly offset: number
  /** It ends within an event. */
  readonly endsInEvent: boolean
  /** How many events were complete by its end that were not before. */
  readonly events: number
}

export interface Redirect {
  readonly status: number
  /** Absolute. */
  readonly from: string
  readonly to: string
}

export interface ResponseHead {
  /** In ms after the request. */
  readonly at: number
  readonly status: number
  readonly httpVersion: string
  /** As they were sent. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Which the last redirect led to. */
  readonly url: string
}

/** Is told of a connection as it goes on. */
export interface Watch {
  /** It is about to be made. */
  begun(recording: Recording): void
  /** The head of the response has come. */
  opened(recording: Recording): void
  /** @param former the frame before it on this connection */
  framed(frame: TimedFrame, former: TimedFrame | undefined): void
  ended(recording: Recording): void
}

/** What one connection brings, as it came over the network. It stays small whatever comes. */
export class Recording {
  readonly purpose: Purpose
  /** The ID after which the server was asked to resume; `''` for none. */
  readonly resumeAfter: string
  /** How long, in ms, after the end of the connection before; 0 for the first. */
  readonly delay: number
  readonly redirects: Redirect[] = []
  head: ResponseHead | undefined
  readonly frames: TimedFrame[] = []
  readonly chunks: Chunk[] = []
  /** The beginning of what came. */
  text = ''
  /** All that came, after and before decompression. */
  bytes = 0
  bytesOnWire = 0
  frameCount = 0
  chunkCount = 0
  eventCount = 0
  commentCount = 0
  readonly eventsByName = new Map<string, number>()
  /** When the first and the last byte, the first and the last event, and the end came, in ms after the request. */
  firstByteAt: number | undefined
  lastByteAt: number | undefined
  firstEventAt: number | undefined
  lastEventAt = 0
  endedAt = 0
  /** The longest time, in ms, without a byte after the head, and up to the end. */
  longestSilence = 0
  /** Reconnection time that the server has asked for last, in ms. */
  retry: number | undefined
  /** How it ended, in words. */
  end = ''
  /** The server has ended the response in good order. */
  isEndedByServer = false
  /** Length of the longest line that has not ended, in characters. */
  unfinishedLine = 0
  readonly #began = performance.now()
  readonly #decoder = new TextDecoder()
  readonly #blocks: Blocks
  readonly #watch: Pick<Watch, 'opened' | 'framed'> | undefined
  #newEvents = 0

  constructor(
    purpose: Purpose,
    resumeAfter: string,
    delay: number,
    watch?: Pick<Watch, 'opened' | 'framed'>,
  ) {
    this.purpose = purpose
    this.resumeAfter = resumeAfter
    this.delay = delay
    this.#watch = watch
    this.#blocks = new Blocks((frame) => this.#add(frame))
  }

  /** In ms after the request. */
  get now(): number {
    return performance.now() - this.#began
  }

  opened(head: Omit<ResponseHead, 'at'>): void {
    this.head = { at: this.now, ...head }
    this.#watch?.opened(this)
  }

  arrived(bytes: Uint8Array): void {
    const at = this.now
    const offset = this.text.length
    this.#listen(at)
    this.firstByteAt ??= at
    this.lastByteAt = at
    this.bytes += bytes.length
    this.chunkCount++
    this.#newEvents = 0
    const text = this.#decoder.decode(bytes, { stream: true })
    this.text += text.slice(0, MOST_TEXT - this.text.length)
    this.#blocks.read(text)
    this.unfinishedLine = Math.max(this.unfinishedLine, this.#blocks.lineLength)
    if (this.chunks.length >= MOST_KEPT) return
    const { isInBlock } = this.#blocks
    this.chunks.push({ at, size: bytes.length, offset, endsInEvent: isInBlock, events: this.#newEvents })
  }

  ended(words: string, isEndedByServer: boolean): void {
    this.endedAt = this.now
    if (this.head !== undefined) this.#listen(this.endedAt)
    this.end = words
    this.isEndedByServer = isEndedByServer
  }

  /** How many events of this name, or of any, came within so many ms. */
  countBy(within: number, name?: string): number {
    if (this.now <= within || this.lastEventAt <= within)
      return name === undefined ? this.eventCount : (this.eventsByName.get(name) ?? 0)
    return this.frames.filter(
      (frame) => frame.type === 'event' && frame.at <= within && (name === undefined || frame.name === name),
    ).length
  }

  /** What came last is an event without its end. */
  get isInEvent(): boolean {
    return this.#blocks.isInBlock
  }

  /** The value of a response header; `undefined` where it was not sent. */
  header(name: string): string | undefined {
    const values = (this.head?.headers ?? []).filter(([one]) => one.toLowerCase() === name)
    return values.length === 0 ? undefined : values.map(([, value]) => value).join(', ')
  }

  #listen(at: number): void {
    const since = this.lastByteAt ?? this.head?.at ?? at
    this.longestSilence = Math.max(this.longestSilence, at - since)
  }

  #add(frame: Frame): void {
    const at = this.now
    this.frameCount++
    if ('retry' in frame) this.retry = frame.retry
    if (frame.type === 'comment') this.commentCount++
    if (frame.type === 'event') {
      this.firstEventAt ??= at
      this.lastEventAt = at
      this.eventCount++
      this.#newEvents++
      const { name } = frame
      const count = this.eventsByName.get(name)
      if (count !== undefined || this.eventsByName.size < MOST_KEPT)
        this.eventsByName.set(name, (count ?? 0) + 1)
    }
    if (this.frames.length >= MOST_KEPT) return
    const timed = { ...frame, at }
    this.#watch?.framed(timed, this.frames.at(-1))
    this.frames.push(timed)
  }
}
