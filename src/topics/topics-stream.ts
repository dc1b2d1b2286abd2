import { checkName, misuse } from '../api/checks.ts'
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
  /** What this page has ever listened to. */
  readonly #topics = new Set<string>()

  override on(name: string, listener: Listener<never>, options?: ListenOptions): () => void {
    const off = super.on(name, listener, options)
    this.#topics.add(name)
    return off
  }

  override events(name: string, options?: ListenOptions): AsyncIterableIterator<StreamEvent<never, never>> {
    const events = super.events(name, options)
    this.#topics.add(name)
    return events
  }

  async ready(topic: string): Promise<void> {
    checkName(topic)
    if (!this.#topics.has(topic))
      throw misuse(`nobody in this page listens to topic "${topic}": call on() first`)
    do {
      if (this.status.state === 'closed')
        throw new TabstreamError('stream-ended', `the stream has ended before topic "${topic}" was ready`)
    } while (!(await this.#isAsked(topic)))
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
