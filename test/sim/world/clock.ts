/** Lets every promise that can settle do so. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

interface Task {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

/** Virtual time: tasks run in order of their time, and time passes only between tasks. */
export class Clock {
  #now = 0
  #order = 0
  /** A binary heap by time, then by order of arrival. */
  #heap: Task[] = []

  get now(): number {
    return this.#now
  }

  /** Nothing is scheduled any more. */
  get isIdle(): boolean {
    return this.#heap.length === 0
  }

  schedule(delay: number, run: () => void): void {
    const task = { at: this.#now + Math.max(0, delay), order: this.#order++, run }
    this.#heap.push(task)
    this.#rise(this.#heap.length - 1)
  }

  /** Runs what is due within the next `duration` ms. */
  async advance(duration: number): Promise<void> {
    const end = this.#now + duration
    await settle()
    for (let task = this.#heap[0]; task !== undefined && task.at <= end; task = this.#heap[0]) {
      this.#pop()
      this.#now = task.at
      task.run()
      await settle()
    }
    this.#now = end
  }

  #rise(index: number): void {
    const heap = this.#heap
    for (let child = index; child > 0; ) {
      const parent = (child - 1) >> 1
      if (!this.#isBefore(child, parent)) return
      ;[heap[child], heap[parent]] = [heap[parent] as Task, heap[child] as Task]
      child = parent
    }
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop() as Task
    if (heap.length === 0) return
    heap[0] = last
    for (let parent = 0; ; ) {
      let least = parent
      for (const child of [2 * parent + 1, 2 * parent + 2]) {
        if (child < heap.length && this.#isBefore(child, least)) least = child
      }
      if (least === parent) return
      ;[heap[least], heap[parent]] = [heap[parent] as Task, heap[least] as Task]
      parent = least
    }
  }

  #isBefore(one: number, other: number): boolean {
    const [a, b] = [this.#heap[one] as Task, this.#heap[other] as Task]
    return a.at < b.at || (a.at === b.at && a.order < b.order)
  }
}
