import type { Clock } from './clock.ts'

/** A page or a worker: something with an event loop of its own that can freeze and die. */
export class Agent {
  readonly name: string
  /** How long it takes to dispatch one event, in ms. */
  pace = 0
  readonly #clock: Clock
  readonly #onDeath = new Set<() => void>()
  #isAlive = true
  #isFrozen = false
  #held: (() => void)[] = []

  constructor(clock: Clock, name: string) {
    this.#clock = clock
    this.name = name
  }

  get isAlive(): boolean {
    return this.#isAlive
  }

  get isFrozen(): boolean {
    return this.#isFrozen
  }

  /** Runs a task here after `delay` ms, later if frozen by then, never if dead. */
  schedule(delay: number, task: () => void): unknown {
    return this.#clock.schedule(delay, () => {
      if (!this.#isAlive) return
      if (this.#isFrozen) this.#held.push(task)
      else task()
    })
  }

  cancel(timer: unknown): void {
    this.#clock.cancel(timer)
  }

  onDeath(listener: () => void): void {
    this.#onDeath.add(listener)
  }

  freeze(): void {
    this.#isFrozen = true
  }

  wake(): void {
    this.#isFrozen = false
    for (const task of this.#held.splice(0)) this.schedule(0, task)
  }

  kill(): void {
    if (!this.#isAlive) return
    this.#isAlive = false
    for (const listener of this.#onDeath) listener()
  }
}
