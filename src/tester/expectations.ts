import type { BufferingVerdict } from './buffering-verdict.ts'
import type { Check } from './checks.ts'
import type { Recording } from './recording.ts'
import type { ResumptionVerdict } from './resumption-verdict.ts'
import { UsageError } from './usage.ts'
import { inNumber, inSeconds } from './words.ts'

/** What the tester has found out, as far as expectations ask for it. */
export interface Found {
  readonly resumption: ResumptionVerdict
  readonly buffering: BufferingVerdict
  readonly checks: readonly Check[]
  readonly first: Recording
}

/** A condition that a user has given. */
export interface Expectation {
  readonly text: string
  /** Whether nothing more has to come for it on the first connection. */
  readonly isSettled: (recording: Recording) => boolean
  readonly isMet: (found: Found) => boolean
  /** What was found, in words. */
  readonly words: (found: Found) => string
}

export interface Met {
  readonly text: string
  readonly isMet: boolean
  readonly words: string
}

const COUNT = /^(?:events|event:(?<name>.+?))\s*(?<sign>>=|<=|>|<|=)\s*(?<limit>\d+)$/
const HEARTBEAT = /^heartbeat\s*<=\s*(?<limit>\d+(?:\.\d+)?)$/

/**
 * Reads one condition. Throws {@link UsageError} where it is none.
 *
 * @param within by when events must have come, in ms
 */
export function expectationOf(text: string, within: number): Expectation {
  const simple = SIMPLE[text]
  if (simple !== undefined) return { text, isSettled: () => true, ...simple }
  const { name, sign = '', limit = '' } = COUNT.exec(text)?.groups ?? {}
  if (sign !== '') return counting(text, name, sign, Number(limit), within)
  const { limit: silence = '' } = HEARTBEAT.exec(text)?.groups ?? {}
  if (silence !== '') return beating(text, Number(silence))
  const known = [...Object.keys(SIMPLE), 'heartbeat<=N', 'events>=N', 'event:NAME>=N']
  throw new UsageError(`nothing can be expected as "${text}": it is one of ${known.join(', ')}`)
}

const SIMPLE: Readonly<Record<string, Pick<Expectation, 'isMet' | 'words'>>> = {
  resumes: {
    isMet: ({ resumption }) => resumption.answer === 'yes' && resumption.gap === undefined,
    words: ({ resumption }) => resumption.words,
  },
  unbuffered: {
    isMet: ({ buffering }) => buffering.answer === 'no',
    words: ({ buffering }) => buffering.words,
  },
  ids: {
    isMet: ({ first }) => {
      const events = first.frames.filter(({ type }) => type === 'event')
      return events.some((frame) => 'id' in frame) && events.every((frame) => 'id' in frame)
    },
    words: ({ first }) => {
      const events = first.frames.filter(({ type }) => type === 'event')
      return `${events.filter((frame) => 'id' in frame).length} of ${inNumber(events.length, 'event')} had an ID`
    },
  },
  cors: {
    isMet: ({ checks }) => {
      const about = checks.filter(({ name }) => name === 'CORS' || name === 'preflight')
      return about.length > 0 && about.every(({ result }) => result === 'good')
    },
    words: ({ checks }) => {
      const about = checks.filter(({ name }) => name === 'CORS' || name === 'preflight')
      return about.map(({ words }) => words).join('; ') || 'there was no response to look at'
    },
  },
}

const SIGNS: Readonly<Record<string, (one: number, other: number) => boolean>> = {
  '>=': (one, other) => one >= other,
  '<=': (one, other) => one <= other,
  '>': (one, other) => one > other,
  '<': (one, other) => one < other,
  '=': (one, other) => one === other,
}

function counting(
  text: string,
  name: string | undefined,
  sign: string,
  limit: number,
  within: number,
): Expectation {
  const compare = SIGNS[sign] as (one: number, other: number) => boolean
  const countIn = (recording: Recording) => recording.countBy(within, name)
  const settles = sign === '>=' || sign === '>'
  return {
    text,
    isSettled: (recording) => recording.now >= within || (settles && compare(countIn(recording), limit)),
    isMet: ({ first }) => compare(countIn(first), limit),
    words: ({ first }) =>
      `${inNumber(countIn(first), 'event')} came within ${inSeconds(Math.min(within, first.endedAt) / 1_000)}`,
  }
}

function beating(text: string, limit: number): Expectation {
  return {
    text,
    isSettled: () => false,
    isMet: ({ first }) =>
      first.head !== undefined && first.endedAt >= limit * 1_000 && first.longestSilence <= limit * 1_000,
    words: ({ first }) =>
      first.endedAt < limit * 1_000
        ? `the stream was read for ${inSeconds(first.endedAt / 1_000)} only: give a longer --duration`
        : `the longest silence was ${inSeconds(first.longestSilence / 1_000)}`,
  }
}
