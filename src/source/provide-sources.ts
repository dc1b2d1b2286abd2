import { PROVIDED, type Providing } from '../link/provided.ts'
import type { AppSource } from './app-source.ts'

/**
 * Makes sources known by name to the hub in this context: in a worker of the app's own, in a page that may be a hub itself, or in a script
 * that `connectSource()` names with the name as its fragment. Of two sources with one name the last counts, and the console says so.
 *
 * @throws {TypeError} where one is not what `defineSource()` returns
 * @example
 * provideSources({ graphql })
 */
export function provideSources(sources: Readonly<Record<string, AppSource>>): void {
  const context = globalThis as Providing
  context[PROVIDED] ??= new Map()
  for (const [name, source] of Object.entries(sources)) {
    if (typeof source !== 'function')
      throw new TypeError(`tabstream: the source "${name}" must be what defineSource() returns`)
    const former = context[PROVIDED].get(`#${name}`)
    if (former !== undefined && former !== source)
      console.warn(
        `tabstream: another source "${name}" has been provided before; this one counts from now on`,
      )
    context[PROVIDED].set(`#${name}`, source)
  }
}
