import { onTestFinished } from 'vitest'
import type { Tab } from '../browser/browser.ts'
import type { Stage } from '../browser/stage.ts'
import { add, COUNT, hear, type Published, reach, remove } from '../browser/topic-tabs.ts'
import { Changes } from '../browser/until.ts'

/** Publishes events of topics, 100 a second, numbered from 1. */
export class TopicFeed implements Published {
  readonly #sent: string[] = []
  readonly #send: (topic: string, data: string) => void
  readonly #changes = new Changes()
  #timer: ReturnType<typeof setInterval> | undefined

  /** @param send gives the event to the server */
  constructor({ server }: Stage, send: (topic: string, data: string) => void) {
    this.#send = send
    server.answer(COUNT, (_request, response) => response.end(String(this.#sent.length)))
    onTestFinished(() => this.stop())
  }

  /** The topics in turn. */
  start(topics: readonly string[]): void {
    let turn = 0
    this.#timer = setInterval(() => this.publish(topics[turn++ % topics.length] ?? ''), 10)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  publish(topic: string): void {
    const number = this.#sent.push(topic)
    this.#send(topic, JSON.stringify({ topic, number }))
    this.#changes.changed()
  }

  /** Resolves when so many more have been sent. */
  more(count: number): Promise<void> {
    const wanted = this.#sent.length + count
    return this.#changes.until(
      () => this.#sent.length >= wanted,
      () => `${this.#sent.length} of ${wanted} events`,
    )
  }

  numbersOf(topic: string, after: number): number[] {
    return this.#sent.flatMap((one, index) => (one === topic && index + 1 > after ? [index + 1] : []))
  }
}

/** Three tabs change their minds under load, until each has the last event of what it wants. @param disturb the server, meanwhile */
export async function changeTopics(
  [first, second, third]: readonly [Tab, Tab, Tab],
  feed: TopicFeed,
  disturb: () => Promise<void>,
): Promise<void> {
  const topics = ['a', 'b', 'c', 'd']
  feed.start(topics)
  await Promise.all([add(first, 'a'), add(second, 'b'), add(third, 'c')])
  await hear(second, 'b')
  await hear(third, 'c')
  await add(second, 'a')
  await remove(third, 'c')
  await add(third, 'd')
  await feed.more(100)
  await disturb()
  await add(third, 'b')
  await feed.more(200)
  await remove(second, 'a')
  await add(first, 'c')
  await add(second, 'd')
  await add(third, 'c')
  await feed.more(100)
  feed.stop()
  for (const topic of topics) feed.publish(topic)
  for (const topic of ['a', 'c']) await reach(first, topic, feed)
  for (const topic of ['b', 'd']) await reach(second, topic, feed)
  for (const topic of ['b', 'c', 'd']) await reach(third, topic, feed)
}
