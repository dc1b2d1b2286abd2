import type { BufferingVerdict } from './buffering-verdict.ts'
import type { Recording, TimedFrame, Watch } from './recording.ts'
import { type ConnectionReport, frameReport, headReport, type Report } from './report.ts'
import type { Secrets } from './secrets.ts'
import { inBytes, inNumber, quoted } from './words.ts'

/** So many frames and chunks of a connection are printed, and so much of a text, in characters. */
const MOST_FRAMES = 30
const MOST_CHUNKS = 60
const MOST_TEXT = 64
const MOST_CHUNK = 400

const PURPOSES: Readonly<Record<ConnectionReport['purpose'], string>> = {
  begin: 'first connection',
  continue: 'again, because the server has ended the response',
  'one event earlier': 'as tabstream resumes, one event earlier than necessary',
  'last ID': 'as EventSource resumes, after the last ID',
  'unknown ID': 'after an ID that the server cannot know',
}

/** What is asked for, before anything has come. */
export const requestInText = ({ url, method, headers }: Pick<Report, 'url' | 'method' | 'headers'>): string =>
  lines(`${method} ${url}`, ...headers.map(([name, value]) => `  ${name}: ${value}`))

/** Prints connections while they go on. */
export class ConnectionsInText implements Omit<Watch, 'ended'> {
  readonly #write: (text: string) => void
  readonly #secrets: Secrets
  readonly #isRaw: boolean
  /** Of the present one. */
  #number = 0
  #frames = 0

  constructor(write: (text: string) => void, secrets: Secrets, isRaw: boolean) {
    this.#write = (text) => {
      if (text !== '') write(text)
    }
    this.#secrets = secrets
    this.#isRaw = isRaw
  }

  begun({ purpose, resumeAfter, delay }: Recording): void {
    this.#number++
    this.#frames = 0
    const asked = resumeAfter === '' ? '' : `, Last-Event-ID ${quoted(this.#secrets.scrub(resumeAfter))}`
    const later = delay > 0 ? `, ${delay} ms later` : ''
    this.#write(lines('', `Connection ${this.#number}: ${PURPOSES[purpose]}${asked}${later}`))
  }

  opened(recording: Recording): void {
    const { redirects, head } = headReport(recording, this.#secrets)
    this.#write(lines(...redirects.map(redirectInText)))
    if (head === undefined) return
    this.#write(lines(`  HTTP/${head.httpVersion} ${head.status} after ${head.at} ms`))
    // Those of the others are the same.
    if (this.#number === 1)
      this.#write(lines(...head.headers.map(([name, value]) => `    ${name}: ${value}`)))
  }

  framed(frame: TimedFrame, former: TimedFrame | undefined): void {
    if (this.#frames >= MOST_FRAMES) return
    this.#frames++
    this.#write(lines(frameInText(frameReport(frame, former, this.#secrets), this.#frames)))
  }

  ended(connection: ConnectionReport): void {
    const { head, redirects, frames, framesLeftOut, end, endedAt } = connection
    const rest = frames.length - this.#frames + framesLeftOut
    this.#write(
      lines(
        ...(head === undefined ? redirects.map(redirectInText) : []),
        ...(rest > 0 ? [`  … and ${rest.toLocaleString('en')} more`] : []),
        ...(this.#isRaw ? chunksInText(connection) : []),
        `  ${end}, after ${endedAt} ms; ${sums(connection)}`,
      ),
    )
  }
}

const redirectInText = ({ status, to }: ConnectionReport['redirects'][number]): string =>
  `  ${status} to ${to}`

function sums({
  bytes,
  bytesOnWire,
  events,
  comments,
  firstId,
  overlap,
  resumeAfter,
}: ConnectionReport): string {
  const compressed = bytesOnWire > 0 && bytesOnWire !== bytes ? ` (${inBytes(bytesOnWire)} on the wire)` : ''
  const first =
    resumeAfter === '' || firstId === undefined
      ? ''
      : `; first ID ${quoted(firstId)}, ${overlap} known from before`
  return `${inBytes(bytes)}${compressed}, ${inNumber(events, 'event')}, ${inNumber(comments, 'comment')}${first}`
}

function frameInText(frame: ConnectionReport['frames'][number], number: number): string {
  const time = `${String(number).padStart(5)} ${frame.at.toFixed(1).padStart(9)} ms ${`+${frame.delta.toFixed(1)}`.padStart(9)}`
  const size = `${frame.size.toLocaleString('en')} characters`
  const retry = 'retry' in frame && frame.retry !== undefined ? ` retry ${frame.retry}` : ''
  const id = 'id' in frame && frame.id !== undefined ? ` id ${quoted(frame.id)}` : ''
  switch (frame.type) {
    case 'event':
      return `${time}  ${frame.name}${id}${retry} ${shortened(frame.data)} (${size})`
    case 'comment':
      return `${time}  comment :${shortened(frame.text)} (${size})`
    default:
      return `${time}  no event,${id}${retry} (${size})`
  }
}

/** Each chunk on a line of its own, as it came. */
function chunksInText({ chunks, text, chunksLeftOut }: ConnectionReport): string[] {
  const shown = chunks.slice(0, MOST_CHUNKS)
  const rest = chunks.length - shown.length + chunksLeftOut
  return [
    ...shown.map(({ at, size, offset }, index) => {
      const part = text.slice(offset, chunks[index + 1]?.offset)
      return `  | ${at.toFixed(1).padStart(9)} ms ${inBytes(size).padStart(9)} ${JSON.stringify(part.slice(0, MOST_CHUNK))}`
    }),
    ...(rest > 0 ? [`  | … and ${inNumber(rest, 'more chunk')}`] : []),
  ]
}

/** The verdicts, what was checked, and what was expected. */
export function verdictsInText(
  { problem, resumes, buffers, checks, expectations }: Report,
  note: string,
): string {
  const width = Math.max(0, ...checks.map(({ name }) => name.length))
  return lines(
    ...(problem === '' ? [] : ['', `No stream: ${problem}`]),
    '',
    `Does it resume? ${resumes.answer}: ${resumes.words}`,
    ...resumes.traits.map((trait) => `  it also ${trait}`),
    ...resumes.evidence.map((words) => `  ${words}`),
    `  with tabstream: ${resumes.tabstream}`,
    '',
    ...bufferingInText(buffers),
    ...(checks.length === 0 ? [] : ['', 'Checks']),
    ...checks.map(({ name, result, words }) => `  ${result.padEnd(9)}  ${name.padEnd(width)}  ${words}`),
    ...(expectations.length === 0 ? [] : ['', 'Expected']),
    ...expectations.map(({ text, isMet, words }) => `  ${isMet ? 'met' : 'NOT MET'}  ${text}: ${words}`),
    ...(note === '' ? [] : ['', note]),
  )
}

const bufferingInText = ({ answer, words, evidence, risks }: BufferingVerdict): string[] => [
  `Is something buffering? ${answer}: ${words}`,
  ...[...evidence, ...risks].map((one) => `  ${one}`),
]

/** What a server has sent must not move the cursor of a terminal, or colour it. */
const lines = (...all: readonly string[]): string =>
  all.map((line) => `${line.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, escaped)}\n`).join('')

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

const shortened = (text: string): string =>
  JSON.stringify(text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}…` : text)
