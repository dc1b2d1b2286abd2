import { Budget } from './budget.ts'

/** How many steps one message can run. More steps cost memory, fewer steps cost messages. */
const STEPS_PER_MESSAGE = 256

type Step = () => boolean

const now = () => performance.now()

/**
 * Runs steps as the browser runs event listeners: when one returns, its microtasks run before the next begins. Code that
 * awaits something in a listener, and then expects the next event, must find here what it finds with EventSource.
 *
 * Script cannot ask for that: when it dispatches several events, the microtasks of all of them wait until it returns. But
 * the platform runs them after each listener of an event that it dispatches itself. So one message is sent to a port with
 * many listeners, and each listener makes one step: a task per message, not per step.
 *
 * A task ends when its budget is spent, so that input and painting are not held up, and another message continues.
 * Subscriptions alternate, message by message. The inbox dispatches the first entry of a batch without a turn when nothing
 * else waits: the platform has just called it. `connect()` makes no promise about microtasks, so its listeners are called in
 * a plain loop, several times as fast. Only a listener that returns an object, as an asynchronous function does, is
 * followed by a turn: whoever awaits `once()` can then add listeners that hear the very next event.
 */
export class Turns {
  readonly #steps: Step[] = []
  #port: MessagePort | undefined
  #isMessageUnderway = false
  #budget = new Budget(now)

  run(step: Step): void {
    this.#steps.push(step)
    this.#port ??= this.#openPort()
    this.#post()
  }

  #openPort(): MessagePort {
    const { port1, port2 } = new MessageChannel()
    port1.addEventListener('message', () => {
      this.#budget = new Budget(now)
    })
    for (let count = 0; count < STEPS_PER_MESSAGE; count++) {
      port1.addEventListener('message', (event) => this.#step(event))
    }
    port1.addEventListener('message', () => this.#end())
    port1.start()
    return port2
  }

  #post(): void {
    if (this.#isMessageUnderway) return
    this.#isMessageUnderway = true
    this.#port?.postMessage(null)
  }

  #step(event: MessageEvent): void {
    const step = this.#steps[0]
    if (step !== undefined && !this.#budget.isSpent()) {
      if (!step()) this.#steps.shift()
    } else {
      // The remaining listeners have nothing to do.
      event.stopImmediatePropagation()
      this.#end()
    }
  }

  #end(): void {
    this.#isMessageUnderway = false
    const step = this.#steps.shift()
    if (step === undefined) return
    // Move it to the end of the queue: one stream's backlog must not delay another's events.
    this.#steps.push(step)
    this.#post()
  }
}
