import type { Outcome, Outgoing } from '../link/socket.ts'
import { TabstreamError } from '../page/errors.ts'
import { answerOf } from '../page/hub-link.ts'
import { isJson } from './check-options.ts'
import { describe, misuse } from './checks.ts'
import { PageStream } from './page-stream.ts'

/** The hub says nothing. */
const NO_STREAM = 'the stream has ended, or may be another user’s now'

/** A page's part of a stream to which it can send. */
export class SendingStream extends PageStream {
  /** Resolves when all messages so far have been handed to a hub. */
  #turn: Promise<unknown> = Promise.resolve()

  /** Rejects unless the message has been sent, and answered where an answer is waited for. */
  protected async post(message: Outgoing): Promise<Outcome> {
    const handing = this.#turn.then(() => this.#hand(message))
    this.#turn = handing.catch(() => {})
    const { link, answer } = await handing
    const outcome = await answer.catch((error: Error): Outcome => {
      if (!link.life.signal.aborted) return { type: 'not-sent', message: error.message }
      throw new TabstreamError('hub-lost', 'the hub has gone with the message, which may have been sent')
    })
    if (outcome?.type === 'sent' || outcome?.type === 'answered') return outcome
    const { type, message: why } = outcome ?? { type: 'not-sent', message: NO_STREAM }
    throw new TabstreamError(
      type,
      type === 'not-sent' ? `the message has not been sent: ${why}` : `the message has been sent, but ${why}`,
    )
  }

  /** To the present hub, or to the next one. */
  async #hand(message: Outgoing) {
    // A page that is left, or rendered on a server, has no hub: this rejects, but in a test.
    if (this.client.isAway) await this.client.attach()
    else await this.subscription.wish.request
    const link = await this.client.attach()
    if (this.status.state === 'closed')
      throw new TabstreamError('not-sent', 'the message has not been sent: the stream has ended')
    const answer = link.remote.send(this.subscription.id, message) as Promise<Outcome | undefined>
    return { link, answer: answerOf(link, answer) }
  }
}

/** Of another realm, such as a frame's, as well. */
const isBuffer = (value: unknown): value is ArrayBuffer =>
  Object.prototype.toString.call(value) === '[object ArrayBuffer]'

/**
 * A copy of bytes, since sending may take a while, and a view may be of a part, or of memory that is shared; and other values as JSON.
 *
 * @throws {TabstreamError} of type `'configuration'`
 */
export function wireOf(message: unknown): string | ArrayBuffer {
  if (isBuffer(message)) return message.slice(0)
  if (ArrayBuffer.isView(message))
    return new Uint8Array(new Uint8Array(message.buffer, message.byteOffset, message.byteLength)).buffer
  if (isJson(message)) return JSON.stringify(message)
  throw misuse(`a message must be a string, bytes, or what JSON can express, not ${describe(message)}`)
}
