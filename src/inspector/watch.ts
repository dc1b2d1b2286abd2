import type { InspectedHub } from './hub.ts'
import { MOST, type Model } from './model.ts'

/** How often the hub is asked, in ms. */
const INTERVAL = 250

/** After a question that was not answered. */
const PAUSE = 1_000

/** Asks the hub as long as it is started and the page is visible. */
export class Watch {
  readonly #hub: Pick<InspectedHub, 'inspect'>
  readonly #model: Model
  readonly #changed: (problem: string) => void
  #isOn = false
  /** One question at a time, of which a later start knows nothing. */
  #round = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  /** @param changed is told why there is no answer; `''` where there is one */
  constructor(hub: Pick<InspectedHub, 'inspect'>, model: Model, changed: (problem: string) => void) {
    this.#hub = hub
    this.#model = model
    this.#changed = changed
  }

  start(): void {
    if (this.#isOn) return
    this.#isOn = true
    document.addEventListener('visibilitychange', this.#ask)
    this.#ask()
  }

  stop(): void {
    this.#isOn = false
    this.#round++
    clearTimeout(this.#timer)
    document.removeEventListener('visibilitychange', this.#ask)
  }

  readonly #ask = async (): Promise<void> => {
    const round = ++this.#round
    clearTimeout(this.#timer)
    if (document.visibilityState === 'hidden') return
    const begun = performance.now()
    let problem = ''
    try {
      const answer = await this.#hub.inspect({ seen: this.#model.seen, entries: MOST })
      if (round === this.#round) this.#model.take(answer)
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error)
    }
    if (round !== this.#round) return
    this.#changed(problem)
    const rest = INTERVAL - (performance.now() - begun)
    this.#timer = setTimeout(this.#ask, problem === '' ? Math.max(rest, 0) : PAUSE)
  }
}
