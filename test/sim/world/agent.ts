import type { Clock } from './clock.ts'

interface Task {
  readonly run: () => void
  isCancelled: boolean
}

/** A page or a worker: something with an event loop of its own that can freeze and die. */
export class Agent {
  readonly name: string
  /** How long it takes to dispatch one event, in ms. */
  pace = 0
  /** Its window shows it. */
  isShown = true
  readonly #clock: Clock
  readonly #onDeath = new Set<() => void>()
  #isAlive = true
  #isFrozen = false
  #held: Task[] = []
  readonly #pending = new Set<Task>()

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

  /** Tasks that wait for their time. */
  get pending(): number {
    return this.#pending.size
  }

  /** Runs a task here after `delay` ms, later if frozen by then, never if dead. */
  schedule(delay: number, run: () => void): unknown {
    const task: Task = { run, isCancelled: false }
    this.#pending.add(task)
    this.#arrange(delay, task)
    return task
  }

  /** Also what is due already and has only been held up. */
  cancel(task: unknown): void {
    if (task === undefined) return
    ;(task as Task).isCancelled = true
    this.#pending.delete(task as Task)
  }

  /** Answers with what takes the listener back. */
  onDeath(listener: () => void): () => void {
    this.#onDeath.add(listener)
    return () => this.#onDeath.delete(listener)
  }

  freeze(): void {
    this.#isFrozen = true
  }

  wake(): void {
    this.#isFrozen = false
    for (const task of this.#held.splice(0)) this.#arrange(0, task)
  }

  #arrange(delay: number, task: Task): void {
    this.#clock.schedule(delay, () => {
      if (!this.#isAlive || task.isCancelled) return
      if (this.#isFrozen) {
        this.#held.push(task)
        return
      }
      this.#pending.delete(task)
      task.run()
    })
  }

  kill(): void {
    if (!this.#isAlive) return
    this.#isAlive = false
    for (const listener of this.#onDeath) listener()
  }
}
