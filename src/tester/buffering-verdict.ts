import type { Recording } from './recording.ts'
import { inBytes, inNumber, inSeconds } from './words.ts'

export interface BufferingVerdict {
  readonly answer: 'yes' | 'maybe' | 'no' | 'cannot tell'
  /** One sentence. */
  readonly words: string
  readonly evidence: readonly string[]
  /** What in the response heads may make a proxy buffer. */
  readonly risks: readonly string[]
}

/** Bytes further apart than this, in ms, do not belong to one burst. */
const APART = 50

/** A server that writes whole events does not stand still for so long, in ms, within one, and then again. */
const STILL = 100

/** So long, in ms, a head or a first event takes at most where nothing holds it back. */
const AT_ONCE = 1_000

/** From so many bytes on a burst can be a buffer that was full. */
const LEAST_BUFFER = 1_000

/** Sizes of bursts are equal where the largest is at most so many times the smallest; and near to a power of two by so much. */
const EQUAL = 1.25
const NEAR = 0.12

/** So many bursts show a habit. */
const HABIT = 3

/** Bytes that have arrived together. */
interface Burst {
  /** When it began and ended, in ms after the request. */
  readonly from: number
  readonly to: number
  readonly bytes: number
  readonly events: number
  readonly endsInEvent: boolean
}

/** Enough has come one by one, or in bursts, to tell them apart. */
export const showsPace = (recording: Recording): boolean =>
  recording.bytes > 262_144 || burstsOf(recording).filter(({ events }) => events > 0).length > HABIT

/** Whether something between the server and the tester holds bytes back, as far as the times of their arrival tell. */
export function bufferingVerdict(recordings: readonly Recording[], problem: string): BufferingVerdict {
  const risks = problem === '' ? risksOf(recordings[0]) : []
  const told = (answer: BufferingVerdict['answer'], words: string, ...evidence: string[]) => ({
    answer,
    words,
    evidence,
    risks,
  })
  const [first] = recordings
  if (first?.head === undefined) {
    return first?.end.startsWith('no response')
      ? told('maybe', 'not even the head of the response came: nginx holds it back by default', first.end)
      : told('cannot tell', `there is no response: ${problem}`)
  }
  if (problem !== '') return told('cannot tell', `there is no stream: ${problem}`)
  const all = recordings.filter(({ head }) => head?.status === 200)
  const held = firstOf(all, standsStill) ?? firstOf(all, comesAtTheEnd) ?? firstOf(all, comesInEqualBursts)
  if (held !== undefined) return told('yes', 'something holds bytes back and sends them in bursts', held)
  const suspect = firstOf(all, comesLate) ?? firstOf(all, comesInBursts)
  if (suspect !== undefined)
    return told(
      'maybe',
      'events come in bursts: something holds them back, or the server sends them so',
      suspect,
    )
  const shown = firstOf(all, comesOneByOne)
  if (shown !== undefined) return told('no', 'events come as they are sent', shown)
  const seconds = first.endedAt / 1_000
  return told(
    'cannot tell',
    first.bytes === 0
      ? `the head came, and no byte after it within ${inSeconds(seconds)}: the server is quiet, or something holds its events back`
      : `all that came within ${inSeconds(seconds)} came together; a longer --duration may help`,
  )
}

const firstOf = (
  recordings: readonly Recording[],
  look: (recording: Recording) => string | undefined,
): string | undefined => recordings.map(look).find((words) => words !== undefined)

function standsStill(recording: Recording): string | undefined {
  const bursts = burstsOf(recording)
  const still = bursts.filter(({ bytes, to, endsInEvent }, index) => {
    const next = bursts[index + 1]
    return next !== undefined && endsInEvent && bytes >= LEAST_BUFFER && next.from - to >= STILL
  })
  // Once, a packet may have been lost.
  if (still.length < HABIT - 1) return undefined
  const bytes = still.map((burst) => burst.bytes)
  return `${inNumber(still.length, 'burst')} of ${inBytes(Math.min(...bytes))} to ${inBytes(Math.max(...bytes))} ended within an event, the rest of which came more than ${STILL} ms later`
}

function comesAtTheEnd(recording: Recording): string | undefined {
  const { isEndedByServer, eventCount, firstByteAt = 0, endedAt } = recording
  if (!isEndedByServer || eventCount < 2 || firstByteAt < AT_ONCE || endedAt - firstByteAt > APART * 2)
    return undefined
  return `nothing came for ${inMs(firstByteAt)}, then ${inNumber(eventCount, 'event')} and the end of the response together`
}

function comesInEqualBursts(recording: Recording): string | undefined {
  const sizes = fullBurstsOf(recording).map(({ bytes }) => bytes)
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)]
  if (sizes.length < HABIT - 1 || least < LEAST_BUFFER || most / least > EQUAL || !isNearPowerOfTwo(most))
    return undefined
  return `${inNumber(sizes.length, 'burst')} of ${inBytes(least)} to ${inBytes(most)} came, as from a buffer that is sent when it is full`
}

/** Those of several events after which a pause came. What a connection begins with may be a replay. */
const fullBurstsOf = (recording: Recording): Burst[] => {
  const bursts = burstsOf(recording)
  return bursts.slice(0, -1).filter(({ events, to }, index) => {
    return (
      events > 1 &&
      (bursts[index + 1]?.from ?? 0) - to >= STILL &&
      (index > 0 || recording.resumeAfter === '')
    )
  })
}

/** In a stream in bursts, all but the pauses between them. */
function comesInBursts(recording: Recording): string | undefined {
  const bursts = fullBurstsOf(recording)
  const others = burstsOf(recording).filter(({ events }) => events === 1)
  if (bursts.length < HABIT - 1 || others.length > bursts.length) return undefined
  const events = bursts.map((burst) => burst.events)
  return `${inNumber(bursts.length, 'burst')} of ${Math.min(...events)} to ${Math.max(...events)} events came, with pauses of more than ${STILL} ms between them`
}

function comesLate(recording: Recording): string | undefined {
  const [burst] = burstsOf(recording)
  const at = recording.head?.at ?? 0
  if (at < AT_ONCE || burst === undefined || burst.events < 2 || burst.from - at > APART) return undefined
  return `the head came after ${inMs(at)}, together with ${inNumber(burst.events, 'event')}`
}

function comesOneByOne(recording: Recording): string | undefined {
  const bursts = burstsOf(recording).filter(({ events }) => events > 0)
  const { head, bytes, lastByteAt = 0, firstByteAt = 0 } = recording
  const most = Math.max(...bursts.map(({ events }) => events))
  if (bursts.length > 1)
    return `the head came after ${inMs(head?.at ?? 0)}, then ${inNumber(bursts.length, 'burst')} of at most ${inNumber(most, 'event')} each`
  if (bytes < 65_536 || lastByteAt - firstByteAt < APART) return undefined
  return `${inBytes(bytes)} came without a pause`
}

function burstsOf({ chunks }: Recording): Burst[] {
  const bursts: Burst[] = []
  for (const { at, size, events, endsInEvent } of chunks) {
    const last = bursts.at(-1)
    if (last === undefined || at - last.to >= APART)
      bursts.push({ from: at, to: at, bytes: size, events, endsInEvent })
    else
      bursts[bursts.length - 1] = {
        from: last.from,
        to: at,
        bytes: last.bytes + size,
        events: last.events + events,
        endsInEvent,
      }
  }
  return bursts
}

function isNearPowerOfTwo(bytes: number): boolean {
  const power = 2 ** Math.round(Math.log2(bytes))
  return Math.abs(bytes - power) <= power * NEAR
}

function risksOf(recording: Recording | undefined): string[] {
  if (recording?.head === undefined) return []
  const risks: string[] = []
  const encoding = recording.header('content-encoding')
  if (encoding !== undefined)
    risks.push(`Content-Encoding: ${encoding}: what compresses a stream may wait until it has enough`)
  if (!/\bno-transform\b/i.test(recording.header('cache-control') ?? ''))
    risks.push('Cache-Control has no "no-transform": a proxy may compress the stream, and so buffer it')
  if (recording.header('x-accel-buffering')?.toLowerCase() !== 'no')
    risks.push(
      'no "X-Accel-Buffering: no" came: nginx buffers by default, and takes the header out where it has heeded it',
    )
  return risks
}

const inMs = (milliseconds: number): string =>
  milliseconds < 1_000 ? `${Math.round(milliseconds)} ms` : inSeconds(milliseconds / 1_000)
