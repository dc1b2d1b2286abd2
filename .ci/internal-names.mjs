import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BINDINGS } from './bindings.mjs'
import { root } from './prepare.mjs'

/** Libraries that are bundled with the hub. Names of theirs must stay. */
const BUNDLED = ['comlink/dist/esm/comlink.mjs', 'eventsource-parser/dist/index.js']

/** What the sources that a hub fetches, which are minified apart or not at all, see of it. */
const INTERFACE = ['platform.ts', 'source/failure.ts', 'source/source.ts'].map((name) => `worker/${name}`)

/**
 * Names that occur in the hub's own code and nowhere else: what the hub calls its members, and nobody outside can see. A
 * minifier may shorten them. What crosses a link is named in `src/link`, and so stays as it is. Bindings, mocks and
 * servers never meet the hub, the inspector is told what crosses a link, and the tester has a judge of its own.
 */
export function internalNames() {
  const others = [
    ...sourcesIn('src'),
    ...BUNDLED.map((path) => join(root, 'node_modules', path)),
    ...INTERFACE.map((path) => join(root, path)),
  ]
  const known = new Set(others.flatMap(wordsIn))
  return [...new Set(sourcesIn('worker').flatMap(wordsIn))].filter((word) => !known.has(word))
}

const ENTRIES_APART = [...BINDINGS, 'inspector', 'server', 'source', 'tester', 'testing']

/** @param {string} folder */
const sourcesIn = (folder) =>
  readdirSync(join(root, folder), { recursive: true })
    .map((path) => join(root, folder, String(path)))
    .filter(
      (path) => path.endsWith('.ts') && !ENTRIES_APART.some((name) => path.includes(join('src', name, '/'))),
    )

/** Lines that are comments, as they stand in the project's own code. */
const COMMENT = /^\s*(?:\/\/|\/\*|\* ).*$/gm

/**
 * Of code and of types; what comments say does not count.
 *
 * @param {string} path
 */
const wordsIn = (path) =>
  readFileSync(path, 'utf8')
    .replace(COMMENT, '')
    .match(/[A-Za-z_$][\w$]*/g) ?? []
