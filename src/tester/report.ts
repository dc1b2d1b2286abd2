import type { BufferingVerdict } from './buffering-verdict.ts'
import type { Check } from './checks.ts'
import type { Command } from './command.ts'
import type { Met } from './expectations.ts'
import type { Chunk, Recording, Redirect, TimedFrame } from './recording.ts'
import { type ResumptionVerdict, TRAITS } from './resumption-verdict.ts'
import type { Secrets } from './secrets.ts'

/** One connection, as it may be shown. Times are in ms after its request. */
export interface ConnectionReport {
  readonly purpose: Recording['purpose']
  /** The ID after which the server was asked to resume; `''` for none. */
  readonly resumeAfter: string
  /** How long, in ms, after the end of the connection before. */
  readonly delay: number
  readonly redirects: readonly Redirect[]
  readonly head:
    | {
        readonly at: number
        readonly status: number
        readonly httpVersion: string
        readonly headers: readonly (readonly [name: string, value: string])[]
        readonly url: string
      }
    | undefined
  readonly firstByteAt: number | undefined
  readonly firstEventAt: number | undefined
  readonly endedAt: number
  readonly end: string
  /** After decompression, and before. */
  readonly bytes: number
  readonly bytesOnWire: number
  readonly events: number
  readonly comments: number
  /** The first ID that came; `undefined` if none did. */
  readonly firstId: string | undefined
  /** How many of its events have an ID that an earlier connection had brought. */
  readonly overlap: number
  /** The first ones. `delta`: in ms after the frame before. */
  readonly frames: readonly (TimedFrame & { readonly delta: number })[]
  readonly framesLeftOut: number
  /** The beginning of what came, and where its chunks begin. */
  readonly text: string
  readonly chunks: readonly Chunk[]
  readonly chunksLeftOut: number
}

/** All that the tester tells, without secrets. `--json` prints it. */
export interface Report {
  readonly url: string
  readonly method: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Why there is no stream; `''` where there is one. */
  readonly problem: string
  readonly resumes: Omit<ResumptionVerdict, 'traits'> & { readonly traits: readonly string[] }
  readonly buffers: BufferingVerdict
  readonly checks: readonly Check[]
  readonly expectations: readonly Met[]
  readonly connections: readonly ConnectionReport[]
}

/** The part of a report that is known before anything is asked. */
export function requestReport(
  { url, method, headers, cookie, body }: Command['request'],
  secrets: Secrets,
): Pick<Report, 'url' | 'method' | 'headers'> & {
  readonly cookie: string
  readonly body: string | undefined
} {
  return {
    url: secrets.url(url),
    method,
    headers: headers.map(([name, value]) => [name, secrets.requestHeader(name, value)] as const),
    cookie: cookie === '' ? '' : secrets.requestHeader('cookie', cookie),
    body: body === undefined ? undefined : secrets.body(body),
  }
}

/** @param former connections that were made before */
export function connectionReport(
  recording: Recording,
  former: readonly Recording[],
  secrets: Secrets,
): ConnectionReport {
  const { frames, chunks, text } = recording
  const known = new Set(former.flatMap((one) => one.frames.map(idOf)).filter((id) => id !== undefined))
  const ids = frames.map(idOf).filter((id) => id !== undefined)
  const report: ConnectionReport = {
    purpose: recording.purpose,
    resumeAfter: recording.resumeAfter,
    delay: recording.delay,
    ...headReport(recording, secrets),
    firstByteAt: recording.firstByteAt && inTenths(recording.firstByteAt),
    firstEventAt: recording.firstEventAt && inTenths(recording.firstEventAt),
    endedAt: inTenths(recording.endedAt),
    end: recording.end,
    bytes: recording.bytes,
    bytesOnWire: recording.bytesOnWire,
    events: recording.eventCount,
    comments: recording.commentCount,
    firstId: ids[0],
    overlap: ids.filter((id) => known.has(id)).length,
    frames: frames.map((frame, index) => frameReport(frame, frames[index - 1], secrets)),
    framesLeftOut: recording.frameCount - frames.length,
    text: '',
    chunks: chunks.map((chunk) => ({ ...chunk, at: inTenths(chunk.at) })),
    chunksLeftOut: recording.chunkCount - chunks.length,
  }
  return { ...scrubbed(report, secrets), text: secrets.blank(text) }
}

/** What is known when the head of the response has come. What it has of secrets is learned. */
export function headReport(
  { head, redirects }: Recording,
  secrets: Secrets,
): Pick<ConnectionReport, 'redirects' | 'head'> {
  for (const [name, value] of head?.headers ?? []) secrets.learnResponseHeader(name, value)
  for (const { to } of redirects) secrets.learnUrl(to)
  const report: Pick<ConnectionReport, 'redirects' | 'head'> = {
    redirects: redirects.map(({ status, from, to }) => ({
      status,
      from: secrets.url(from),
      to: secrets.url(to),
    })),
    head: head && {
      ...head,
      at: inTenths(head.at),
      url: secrets.url(head.url),
      headers: head.headers.map(([name, value]) => [name, secrets.responseHeader(name.toLowerCase(), value)]),
    },
  }
  return scrubbed(report, secrets)
}

/** @param former the frame before it on its connection */
export const frameReport = (
  frame: TimedFrame,
  former: TimedFrame | undefined,
  secrets: Secrets,
): ConnectionReport['frames'][number] =>
  scrubbed({ ...frame, at: inTenths(frame.at), delta: inTenths(frame.at - (former?.at ?? 0)) }, secrets)

/** @param connections as they were reported when they ended */
export function reportOf(
  request: Pick<Report, 'url' | 'method' | 'headers'>,
  problem: string,
  verdicts: { readonly resumption: ResumptionVerdict; readonly buffering: BufferingVerdict },
  checks: readonly Check[],
  expectations: readonly Met[],
  connections: readonly ConnectionReport[],
  secrets: Secrets,
): Report {
  const { resumption, buffering } = verdicts
  const traits = resumption.traits.map((trait) => TRAITS[trait])
  const { url, method, headers } = request
  return {
    url,
    method,
    headers,
    ...scrubbed(
      { problem, resumes: { ...resumption, traits }, buffers: buffering, checks, expectations },
      secrets,
    ),
    connections,
  }
}

const idOf = (frame: TimedFrame): string | undefined => ('id' in frame ? frame.id : undefined)

const inTenths = (milliseconds: number): number => Math.round(milliseconds * 10) / 10

/** The same, without a secret in any of its texts. */
function scrubbed<Value>(value: Value, secrets: Secrets): Value {
  if (typeof value === 'string') return secrets.scrub(value) as Value
  if (Array.isArray(value)) return value.map((one) => scrubbed(one, secrets)) as Value
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([name, one]) => [name, scrubbed(one, secrets)])
  return Object.fromEntries(entries) as Value
}
