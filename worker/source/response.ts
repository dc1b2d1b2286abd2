import { copyOf } from '../../src/link/copy-of.ts'
import type { HubPlatform } from '../platform.ts'
import { Asking, toByteString } from './asking.ts'
import { FailedError, failureOf } from './failure.ts'
import { refusalOf } from './refusal.ts'
import type { ConnectionRequest, Receiver, Source, SourceEvent } from './source.ts'

/** Bytes that are read at a time. One chunk of a fast server can hold more events than a log. */
const SLICE = 32_768

/** How long, in ms, a backlog may keep the hub from everything else. */
const LONGEST_RUN = 16

/** What is kept of events may keep so many times its characters in memory, and so many slices besides. */
const WASTE = 4

/** Response headers that tell who has handled an answer, and how. */
const TELLING = ['cache-control', 'content-encoding', 'content-type', 'server', 'via', 'x-accel-buffering']

const SCHEMES = ['http:', 'https:', 'data:', 'blob:']

/** What responses hold events in. */
export interface Format {
  /** Content types, without parameters. */
  readonly types: readonly string[]
  /** Begins to read a response. */
  begin(connection: ConnectionRequest, receiver: Receiver, keep: Keep): Read
  /** Says what is accepted, and after which ID to resume, where that is another way than that of an event stream. */
  asked(connection: ConnectionRequest): ConnectionRequest
}

/**
 * Takes what comes next of one response. The last piece, which may be empty, comes where that has ended in good order. Answers `false` where
 * there was nothing to hand over.
 */
export type Read = (text: string, isLast: boolean) => Promise<boolean> | boolean

/** Makes an event of parts of what was read, which does not keep much more than itself in memory. */
export type Keep = (name: string, data: string, id: string | undefined) => SourceEvent

/** Events by `fetch`, for one stream. */
export function byFetch(platform: HubPlatform, format: Format): Source {
  // Functions and resumption can lead to other origins, and each has its own set-up.
  const askings = new Map<string, Asking>()
  return async (connection, receiver) => {
    try {
      const { origin } = new URL(connection.url)
      // At another hub, the stream may have been read before, but not where it leads only now.
      const mayHaveBeenRead = askings.size === 0 && connection.resumeAfter !== ''
      const asking = askings.get(origin) ?? new Asking(platform, mayHaveBeenRead)
      askings.set(origin, asking)
      await readEvents(platform, format, asking, connection, receiver)
      return new FailedError('the server ended the response', { isEnd: true }).failure
    } catch (error) {
      const failure = failureOf(error)
      // An EventSource has no other place to say it.
      if (failure.isUnreadable) receiver.advise(failure.message)
      return failure
    }
  }
}

/**
 * Resolves when the server ends the response. Rejects with {@link FailedError} where the reason is known, and with the
 * platform's error when the network fails or the signal aborts.
 */
async function readEvents(
  platform: HubPlatform,
  format: Format,
  asking: Asking,
  connection: ConnectionRequest,
  receiver: Receiver,
): Promise<void> {
  const { url, resumeAfter, readsRefusal } = connection
  const { origin } = new URL(url)
  const obstacle = whyImpossible(new URL(url))
  if (obstacle !== undefined) throw new FailedError(obstacle, { isFinal: true })
  const asked = format.asked(connection)
  const { response, namesEvent } = await asking.ask(asked)
  const refusal = await refusalOf(platform, response, format.types, readsRefusal)
  if (refusal !== undefined) throw refusal
  const isUnasked = asked.resumeAfter !== '' && !namesEvent
  if (isUnasked && asking.isRefused) receiver.advise(cannotResume(origin))
  const { status, headers } = response
  // What tabstream/server says.
  const hasResumed = headers.get('Tabstream-Resumed')
  // Mercure's way to say that it no longer has the event asked for. The header's name has changed with version 1.0.
  const resumedAfter = headers.get('Mercure-Last-Event-ID') ?? headers.get('Last-Event-ID')
  receiver.opened({
    status,
    headers: TELLING.flatMap((name) => {
      const value = headers.get(name)
      return value === null ? [] : [[name, value] as const]
    }),
    origin: new URL(response.url || url).origin,
    confirmsResumption: hasResumed === '1',
    // A header's value loses the blanks at its ends.
    deniesResumption:
      isUnasked ||
      hasResumed === '0' ||
      (resumedAfter !== null && resumedAfter.trim() !== toByteString(resumeAfter).trim()),
  })
  if (response.body !== null) await readBody(platform, response.body, format, connection, receiver)
}

const cannotResume = (origin: string): string =>
  `${origin} does not permit the header Last-Event-ID, so each reconnection leaves a gap: it has to send for OPTIONS ` +
  '"Access-Control-Allow-Headers: Last-Event-ID"'

/** What `fetch` would refuse again and again, in words that do not tell. */
function whyImpossible({ protocol, username, password }: URL): string | undefined {
  if (!SCHEMES.includes(protocol)) return `a URL of scheme "${protocol}" cannot be fetched`
  if (username !== '' || password !== '') {
    return 'a URL with a user name or password cannot be fetched; send them in a header'
  }
  return undefined
}

async function readBody(
  platform: HubPlatform,
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  format: Format,
  connection: ConnectionRequest,
  receiver: Receiver,
): Promise<void> {
  const { signal } = connection
  // Characters received for which no event can be shown.
  let waste = 0
  const read = format.begin(connection, receiver, (name, data, id) => {
    waste -= WASTE * (name.length + data.length + (id?.length ?? 0))
    if (waste < 0) waste = 0
    const own = waste > WASTE * SLICE ? copyOf : whole
    return { name: own(name), data: own(data), id: id && own(id) }
  })
  let runSince = platform.now()
  /** Whoever had to wait has let others have their turn. */
  const awaited = async <Value>(value: Value | Promise<Value>): Promise<Value> => {
    const begun = platform.now()
    const result = await value
    if (platform.now() - begun >= 1) runSince = platform.now()
    return result
  }
  const take = async (text: string, isLast = false) => {
    waste += text.length
    if (!(await read(text, isLast))) return
    await awaited(receiver.flushed())
    if (platform.now() - runSince > LONGEST_RUN) {
      await platform.turn()
      runSince = platform.now()
    }
    // Nobody wants the rest of what has arrived.
    signal.throwIfAborted()
  }
  // The decoder strips the byte order mark; it also mends multi-byte characters split between chunks.
  const decoder = new TextDecoder()
  const reader = body.getReader()
  try {
    for (;;) {
      const { done, value } = await awaited(reader.read())
      if (done) return await take(decoder.decode(), true)
      receiver.alive(value.length)
      for (let at = 0; at < value.length; at += SLICE) {
        await take(decoder.decode(value.subarray(at, at + SLICE), { stream: true }))
      }
    }
  } finally {
    // Whatever has gone wrong here, the rest is not wanted.
    reader.cancel().catch(() => {})
  }
}

const whole = (text: string): string => {
  text.includes('\n')
  return text
}
