/** Longest any single wait may take: it only decides how soon a failing test says what it lacked. */
const LIMIT = 25_000

/** Rejects with what `describe` says if `promise` does not settle within the limit. */
export async function within<Value>(promise: Promise<Value>, describe: () => string): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${LIMIT} ms in vain: ${describe()}`)), LIMIT)
  })
  try {
    return await Promise.race([promise, limit])
  } finally {
    clearTimeout(timer)
  }
}

/** Promises that are kept by changes of state: whoever changes the state calls `changed`. */
export class Changes {
  #waiting: { isTrue: () => boolean; resolve: () => void }[] = []

  changed(): void {
    const ready = this.#waiting.filter((wait) => wait.isTrue())
    this.#waiting = this.#waiting.filter((wait) => !ready.includes(wait))
    for (const wait of ready) wait.resolve()
  }

  until(isTrue: () => boolean, describe: () => string): Promise<void> {
    if (isTrue()) return Promise.resolve()
    return within(new Promise((resolve) => this.#waiting.push({ isTrue, resolve })), describe)
  }
}
