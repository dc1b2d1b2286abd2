import { onTestFinished } from 'vitest'
import type { Stage } from '../browser/stage.ts'
import { COUNT, type Published } from '../browser/topic-tabs.ts'
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
