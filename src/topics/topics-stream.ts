import { checkName, misuse } from '../api/checks.ts'
import type { Iteration } from '../api/iteration.ts'
import { PageStream } from '../api/page-stream.ts'
import type { Listener, ListenOptions, StreamEvent } from '../api/shared-stream.ts'
import type { TopicQuestion } from '../link/topics.ts'
import { TabstreamError } from '../page/errors.ts'
import { answerOf } from '../page/hub-link.ts'
import type { SharedTopics } from './shared-topics.ts'

/** How soon, in ms, a hub is asked again that does not know the page's wish yet. */
const AGAIN = 100

/** A page's part of a stream of many topics: what `connectTopics()` returns. */
export class TopicsStream extends PageStream implements SharedTopics {
  /** For each listener and loop of a topic, whether it is over. */
  readonly #listening = new Map<string, (() => boolean)[]>()

  override on(name: string, listener: Listener<never>, options?: ListenOptions): () => void {
    const off = super.on(name, listener, options)
    let isOff = false
    this.#listen(name, () => isOff || options?.signal?.aborted === true)
    return () => {
      isOff = true
      off()
    }
  }

  override events(name: string, options?: ListenOptions): AsyncIterableIterator<StreamEvent<never, never>> {
    const events = super.events(name, options)
    this.#listen(name, () => (events as Iteration).isOver)
    return events
  }

  async ready(topic: string): Promise<void> {
    checkName(topic)
    if (!this.#isHeard(topic))
      throw misuse(`nobody in this page listens to topic "${topic}": call on() first`)
    do {
      if (this.status.state === 'closed')
        throw new TabstreamError('stream-ended', `the stream has ended before topic "${topic}" was ready`)
      if (!this.#isHeard(topic))
        throw new DOMException(`tabstream: nobody listens to topic "${topic}" any more`, 'AbortError')
    } while (!(await this.#isAsked(topic)))
  }

  #listen(topic: string, isOver: () => boolean): void {
    this.#listening.set(topic, [...this.#left(topic), isOver])
  }

  #left(topic: string): (() => boolean)[] {
    return (this.#listening.get(topic) ?? []).filter((isOver) => !isOver())
  }

  #isHeard(topic: string): boolean {
    const isHeard = this.#left(topic).length > 0
    if (!isHeard) this.#listening.delete(topic)
    return isHeard
  }

  async #isAsked(topic: string): Promise<boolean> {
    // A page that is left, or rendered on a server, has no hub until it is back.
    const link = await this.client.attach().catch(() => undefined)
    if (link === undefined) {
      await this.#change()
      return false
    }
    const question: TopicQuestion = { topic }
    const answer = link.remote.send(this.subscription.id, question) as Promise<true | undefined>
    if ((await answerOf(link, answer).catch(() => {})) === true) return true
    await new Promise((resolve) => setTimeout(resolve, AGAIN))
    return false
  }

  #change(): Promise<unknown> {
    return new Promise((resolve) => {
      const off = this.onStatus((status) => {
        off()
        resolve(status)
      })
      if (this.status.state === 'closed') resolve(undefined)
    })
  }
}
