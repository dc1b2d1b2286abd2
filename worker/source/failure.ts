import type { ConnectionError } from '../../src/link/protocol.ts'

/** Why a connection could not be had, or is no more. */
export interface Failure extends ConnectionError {
  /** How long the server asked to wait, in ms. */
  readonly retryAfter: number
  /** Another attempt cannot help. */
  readonly isFinal: boolean
  /** The server has ended its answer in good order. */
  readonly isEnd: boolean
  /** The server is there, and does not let this origin read its answer. */
  readonly isUnreadable: boolean
  /** Where it does not: earlier, it did. */
  readonly hasBeenReadable: boolean
  /** Nothing is wrong: another connection is needed now. */
  readonly isMove: boolean
  /** Pages are told this code in place of the status, which says what to do about it. */
  readonly closeCode?: number
}

const USUAL = {
  status: 0,
  contentType: '',
  body: '',
  retryAfter: 0,
  isFinal: false,
  isEnd: false,
  isUnreadable: false,
  hasBeenReadable: false,
  isMove: false,
}

/** The connection has failed for a reason that says whether to try again. */
export class FailedError extends Error {
  override name = 'FailedError'
  readonly failure: Failure

  constructor(message: string, details: Partial<Failure> = {}) {
    super(message)
    this.failure = { message, ...USUAL, ...details }
  }
}

/** @param limit how many characters an event may have */
export const tooLarge = (limit: number): FailedError =>
  new FailedError(`the server sent an event of more than ${limit.toLocaleString('en')} characters`, {
    isFinal: true,
  })

/** An error of another realm is no instance of this one's `Error`. */
export const failureOf = (error: unknown): Failure => {
  if (error instanceof FailedError) return error.failure
  return new FailedError((error as Error | undefined)?.message ?? String(error)).failure
}

/** What pages are told of it. */
export const errorOf = ({ message, status, contentType, body, closeCode }: Failure): ConnectionError => ({
  message,
  status: closeCode ?? status,
  contentType,
  body,
})

/** The longest wait that a server can ask for, in ms: an hour. */
export const MOST_RETRY_AFTER = 3_600_000

/** [spec] Seconds, or a date. https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
 *
 * @param now in ms since 1970
 * @returns ms to wait from now on, 0 where the header says nothing of use
 */
export function parseRetryAfter(header: string | null, now: number): number {
  if (header === null) return 0
  const text = header.trim()
  const wait = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now
  return wait > 0 ? Math.min(wait, MOST_RETRY_AFTER) : 0
}
