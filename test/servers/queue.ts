import { setTimeout } from 'node:timers/promises'

/** How often something is tried again, and how many ms lie between. */
const PATIENCE = 200
const PAUSE = 50

/** What is done one after the other. */
export class Queue {
  #last = Promise.resolve()

  /** Resolves when this and all before it is done. */
  add(work: () => Promise<unknown>): Promise<void> {
    this.#last = this.#last.then(async () => void (await work()))
    return this.#last
  }

  /** Resolves when all is done that has been added so far. */
  done(): Promise<void> {
    return this.#last
  }
}

/** A server that is restarted cuts what is on its way, and refuses what comes while it lasts. */
export async function untilAccepted<Result>(request: () => Promise<Result>): Promise<Result> {
  for (let failures = 0; ; failures++) {
    try {
      return await request()
    } catch (error) {
      if (failures === PATIENCE) throw error
      await setTimeout(PAUSE)
    }
  }
}
