import { Budget } from './budget.ts'

/** How many steps one message can run. More steps cost memory, fewer steps cost messages. */
const STEPS_PER_MESSAGE = 256

type Step = () => boolean

const now = () => performance.now()

/**
 * Runs steps as the browser runs event listeners: the microtasks of a step run before the next step begins.
 *
 * Script cannot ask for that, but the platform does it after each listener of an event that it dispatches
 * itself. So one message goes to a port with many listeners, and each of them runs one step. That costs a
 * task per message, not per step.
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
