import type { Answer, InspectedHub } from '../hub.ts'
import type { Words } from '../masked.ts'
import type { InspectedStream, Model } from '../model.ts'

/** One tab of the panel. */
export interface View {
  readonly title: string
  readonly element: HTMLElement
  /** At most four times a second, and only while it is shown. */
  update(scene: Scene): void
}

/** What views show. */
export interface Scene {
  readonly model: Model
  readonly answer: Answer
  /** The stream whose events, connections and actions are shown. */
  readonly chosen: InspectedStream | undefined
  readonly words: Words
  /** Short, and without the page's own origin. */
  nameOf(stream: InspectedStream): string
  /** Whether the page lets the panel disturb the hub; `undefined` while that is not known. */
  readonly mayDisturb: boolean | undefined
}

/** What views can do. */
export interface Controls {
  /** Shows the events or the connections of a stream. */
  open(title: string, stream: InspectedStream): void
  /** Shows queries of URLs as they are. */
  showQueries(isOn: boolean): void
  /** Brings the view up to date at once. */
  refresh(): void
  disturb: InspectedHub['disturb']
  /** Tells people who cannot see it. */
  say(text: string): void
}
