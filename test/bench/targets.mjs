/**
 * What a script holds in memory, in bytes, after garbage collection: objects, and the text and buffers outside of their
 * heap.
 *
 * @param {{ send: (method: any) => Promise<any> }} target
 */
export async function heapOf(target) {
  await target.send('HeapProfiler.collectGarbage')
  const { usedSize, embedderHeapUsedSize, backingStorageSize } = await target.send('Runtime.getHeapUsage')
  return usedSize + embedderHeapUsedSize + backingStorageSize
}

/** @param {import('playwright').Page} tab */
export async function heapOfTab(tab) {
  const session = await tab.context().newCDPSession(tab)
  try {
    return await heapOf(session)
  } finally {
    await session.detach()
  }
}

/** The one SharedWorker that runs, which Playwright does not show. */
export class WorkerTarget {
  #session
  #targetId
  #sessionId = ''
  #calls = 0
  /** @type {Map<number, (result: any) => void>} */
  #pending = new Map()

  /** @param {import('./browser.mjs').Chromium} chromium */
  static async find({ session }) {
    const { targetInfos } = await session.send('Target.getTargets')
    const workers = targetInfos.filter(({ type }) => type === 'shared_worker')
    if (workers.length !== 1) throw new Error(`${workers.length} shared workers instead of one`)
    return new WorkerTarget(session, workers[0].targetId)
  }

  constructor(session, targetId) {
    this.#session = session
    this.#targetId = targetId
  }

  /** Ends it as a browser short of memory does: nobody is told. */
  kill() {
    return this.#session.send('Target.closeTarget', { targetId: this.#targetId })
  }

  async attach() {
    // Messages of a flat session would need a connection of their own, which Playwright does not give.
    const { sessionId } = await this.#session.send('Target.attachToTarget', {
      targetId: this.#targetId,
      flatten: false,
    })
    this.#sessionId = sessionId
    this.#session.on('Target.receivedMessageFromTarget', this.#receive)
  }

  async detach() {
    this.#session.off('Target.receivedMessageFromTarget', this.#receive)
    await this.#session.send('Target.detachFromTarget', { sessionId: this.#sessionId })
  }

  /** @param {string} method */
  send(method) {
    const id = ++this.#calls
    return new Promise((resolve, reject) => {
      this.#pending.set(id, ({ result, error }) =>
        error ? reject(new Error(error.message)) : resolve(result),
      )
      const message = JSON.stringify({ id, method })
      this.#session.send('Target.sendMessageToTarget', { sessionId: this.#sessionId, message }).catch(reject)
    })
  }

  #receive = ({ sessionId, message }) => {
    if (sessionId !== this.#sessionId) return
    const answer = JSON.parse(message)
    this.#pending.get(answer.id)?.(answer)
    this.#pending.delete(answer.id)
  }
}

/** @param {import('./browser.mjs').Chromium} chromium */
export async function heapOfWorker(chromium) {
  const worker = await WorkerTarget.find(chromium)
  await worker.attach()
  try {
    return await heapOf(worker)
  } finally {
    await worker.detach()
  }
}
