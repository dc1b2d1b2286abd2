import type { Outcome, Outgoing } from '../link/socket.ts'

/** How many messages may wait for a connection. */
const MOST_WAITING = 64

type Settle = (outcome: Outcome) => void

interface Letter {
  readonly message: Outgoing
  readonly settle: Settle
}

/** Messages of pages to an app's source, in the order in which they have come. None is given to it twice. */
export class Letters {
  /** Takes a message to the server; `undefined` where the source cannot. */
  deliver: ((message: unknown) => unknown) | undefined
  #waiting: Letter[] = []
  /** Of those that the source is at. */
  readonly #underWay = new Set<Settle>()
  /** The connection that is open. */
  #open: object | undefined
  #hasEnded = false

  post(message: Outgoing): Promise<Outcome> {
    return new Promise((settle) => {
      if (this.#hasEnded) settle(notSent('the stream has ended'))
      else if (this.#waiting.length >= MOST_WAITING) settle(notSent(`${MOST_WAITING} messages wait already`))
      else {
        this.#waiting.push({ message, settle })
        this.#drain()
      }
    })
  }

  resume(connection: object): void {
    this.#open = connection
    this.#drain()
  }

  /** What has not been given to the source waits for the next connection. */
  pause(connection: object): void {
    if (this.#open === connection) this.#open = undefined
  }

  drop(isOver: boolean): void {
    this.#hasEnded ||= isOver
    const why = isOver ? 'the stream has ended' : 'the connection is another user’s now'
    for (const { settle } of this.#waiting.splice(0)) settle(notSent(why))
    if (!isOver) return
    for (const settle of this.#underWay)
      settle({ type: 'no-answer', message: 'the stream has ended before the source was done with it' })
  }

  #drain(): void {
    while (this.#open !== undefined) {
      const letter = this.#waiting.shift()
      if (letter === undefined) return
      this.#hand(letter)
    }
  }

  async #hand({ message: { data }, settle }: Letter): Promise<void> {
    this.#underWay.add(settle)
    try {
      if (this.deliver === undefined) throw new Error('the source has no send()')
      await this.deliver(typeof data === 'string' ? JSON.parse(data) : data)
      settle({ type: 'sent' })
    } catch (error) {
      settle(notSent((error as Error | undefined)?.message ?? String(error)))
    }
    this.#underWay.delete(settle)
  }
}

const notSent = (message: string): Outcome => ({ type: 'not-sent', message })
