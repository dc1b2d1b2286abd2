/** Where an app puts sources of its own. It is a global symbol, because what puts them there is bundled apart from the hub. */
export const PROVIDED = Symbol.for('tabstream.sources')

/** What has been provided in this context: each as the module of a source exports it, by its name behind a `#`. */
export interface Providing {
  [PROVIDED]?: Map<string, unknown>
}
