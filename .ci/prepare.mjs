import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installPackages } from './packages.mjs'

// Runs before anything is installed: Node's own modules only.

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** What `dist` is made from, and its budgets. */
const SOURCES = [
  'src',
  'worker',
  'rollup.config.mjs',
  'tsconfig.json',
  'package-lock.json',
  '.ci/bindings.mjs',
  '.ci/budgets.mjs',
  '.ci/clean.mjs',
  '.ci/comlink-cuts.mjs',
  '.ci/internal-names.mjs',
  '.ci/private-names.mjs',
]

/** Installs the dependencies and builds `dist`, each only where something has changed since. */
export function prepare() {
  // npm would empty the folder that a link leads to, which belongs to another checkout.
  if (lstatSync(join(root, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink()) {
    return console.log('node_modules is a link: nothing is installed or built here. To build: npm run build')
  }
  once('node_modules', ['package-lock.json'], 'Installing dependencies', () =>
    npm('ci', '--no-fund', '--no-audit'),
  )
  once('dist', SOURCES, 'Building', () => npm('run', '--silent', 'build'))
}

/** Path of a Chromium; installs one where there is none, and {@link SHELL} with it. */
export async function findChromium() {
  const { chromium } = await import('playwright')
  const found = () =>
    [
      process.env.TABSTREAM_CHROMIUM,
      chromium.executablePath(),
      '/usr/bin/chromium',
      '/usr/bin/chromium-browser',
      '/usr/bin/google-chrome',
      '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    ].find((path) => path && existsSync(path))
  if (!found()) {
    console.log('No Chromium found. Trying: npx playwright install chromium (into the folder of this user)')
    const args = [join(root, 'node_modules/playwright/cli.js'), 'install', 'chromium']
    spawnSync(process.execPath, args, { stdio: 'inherit' })
  }
  if (!found()) installPackages(['chromium', 'chromium-headless-shell'])
  // Older systems do not have the second.
  if (!found()) installPackages(['chromium'])
  const path = found()
  if (path) return path
  throw new Error(
    'The browser tests need Chromium and none could be installed. Set TABSTREAM_CHROMIUM to its path.',
  )
}

/** Debian's Chromium without windows: the same engine, for half the processor time. */
const SHELL = '/usr/lib/chromium/chromium-headless-shell'

/**
 * Path of the Chromium without windows, or of the other where there is none. One that a user demands stands for both.
 *
 * @param {string} chromium path of the other
 */
export function shellBeside(chromium) {
  const { TABSTREAM_CHROMIUM: demanded, TABSTREAM_CHROMIUM_SHELL: shell } = process.env
  return shell ?? (demanded || !existsSync(SHELL) ? chromium : SHELL)
}

/** Environment of tests in Chromium. */
export async function chromiumEnvironment() {
  const chromium = await findChromium()
  return { TABSTREAM_CHROMIUM: chromium, TABSTREAM_CHROMIUM_SHELL: shellBeside(chromium) }
}

/**
 * Does `work` unless `folder` was made from the very same `sources`.
 *
 * @param {string} folder
 * @param {string[]} sources files and folders
 * @param {string} title
 * @param {() => void} work
 */
function once(folder, sources, title, work) {
  const stamp = join(root, 'node_modules', `.tabstream-${folder}`)
  const digest = digestOf(sources)
  if (existsSync(join(root, folder)) && existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return
  console.log(`${title} …`)
  work()
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, digest)
}

/** @param {string[]} sources */
function digestOf(sources) {
  const hash = createHash('sha256').update(process.version)
  /** @param {string} path */
  const add = (path) => {
    const full = join(root, path)
    const entries = readDirectory(full)
    if (entries === undefined) hash.update(path).update(readFileSync(full))
    else for (const entry of entries.sort()) add(join(path, entry))
  }
  for (const source of sources) add(source)
  return hash.digest('hex')
}

/**
 * @param {string} path
 * @returns {string[] | undefined} nothing for a file
 */
function readDirectory(path) {
  try {
    return readdirSync(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOTDIR') return undefined
    throw error
  }
}

/** @param {string[]} args */
function npm(...args) {
  const script = process.env.npm_execpath
  const command = script ? process.execPath : 'npm'
  const { status } = spawnSync(command, script ? [script, ...args] : args, { cwd: root, stdio: 'inherit' })
  if (status === 0) return
  console.error(`npm ${args.join(' ')} failed; see above.`)
  process.exit(1)
}
