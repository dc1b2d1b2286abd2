import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { root } from '../../.ci/prepare.mjs'
import { run } from './processes.mjs'

const SOURCES = join(root, 'test/consumers/apps')
const INSTALLED = join(root, 'build/consumers')

/** What a tool or an app keeps between runs. */
const KEPT = ['node_modules', 'package-lock.json', '.installed']

/** The registry could not be reached, in npm's words. */
const OFFLINE =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|ENOTCACHED)\b/

/** What could not be installed. */
export class NotInstalled extends Error {
  /** @param {string} message @param {boolean} isOffline */
  constructor(message, isOffline) {
    super(message)
    this.isOffline = isOffline
  }
}

/**
 * Packs the package as it is published.
 *
 * @returns {Promise<{ tarball: string, folder: string }>} the tarball, and a folder with what it has in `dist` as `tabstream`
 */
export async function pack() {
  mkdirSync(INSTALLED, { recursive: true })
  // Tools look for one above an app, too, and would take the sources for the package by the project's own.
  writeFileSync(join(INSTALLED, 'tsconfig.json'), '{}')
  const printed = await run(`npm pack --json --silent --pack-destination ${INSTALLED}`, { folder: root })
  const [{ filename }] = JSON.parse(printed)
  const packed = join(INSTALLED, filename)
  const digest = createHash('sha256').update(readFileSync(packed)).digest('hex').slice(0, 12)
  // npm keeps what it knows of a file by its name.
  const name = `tabstream-${digest}.tgz`
  for (const former of readdirSync(INSTALLED)) {
    if (/^tabstream-.{12}\.tgz$/.test(former) && former !== name) rmSync(join(INSTALLED, former))
  }
  renameSync(packed, join(INSTALLED, name))
  const folder = join(INSTALLED, 'served')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  await run(`tar -xzf ../${name} && mv package/dist tabstream && rm -r package`, { folder })
  return { tarball: name, folder }
}

/**
 * Lays out an app, and installs what it names where that has changed.
 *
 * @param {string} name
 * @param {readonly string[]} from folders of apps, and files of them, laid one over the other
 * @param {string} tarball
 * @param {readonly string[]} path where Node is
 * @returns {Promise<string>} its folder
 */
export async function layOut(name, from, tarball, path) {
  const folder = join(INSTALLED, name)
  mkdirSync(folder, { recursive: true })
  for (const entry of readdirSync(folder)) {
    if (!KEPT.includes(entry)) rmSync(join(folder, entry), { recursive: true, force: true })
  }
  for (const source of from.map((one) => join(SOURCES, one))) {
    cpSync(source, statSync(source).isFile() ? join(folder, basename(source)) : folder, { recursive: true })
  }
  const file = join(folder, 'package.json')
  if (!existsSync(file)) return folder
  const manifest = JSON.parse(readFileSync(file, 'utf8'))
  manifest.dependencies.tabstream = `file:../${tarball}`
  writeFileSync(file, JSON.stringify(manifest, null, 2))
  await install(folder, path)
  return folder
}

/**
 * A newer Node, where a tool needs one.
 *
 * @param {string} version
 * @returns {Promise<string>} folder of the executable
 */
export async function nodeOf(version) {
  const folder = join(INSTALLED, `node-${version}`)
  mkdirSync(folder, { recursive: true })
  const manifest = { private: true, dependencies: { node: version } }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
  await install(folder, [])
  return join(folder, 'node_modules/.bin')
}

/** Installs what a folder's package.json names, where that has changed. @param {string} folder @param {readonly string[]} path where Node is */
export async function install(folder, path) {
  const stamp = join(folder, '.installed')
  const wanted = readFileSync(join(folder, 'package.json'), 'utf8')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  rmSync(stamp, { force: true })
  try {
    await run('npm install --prefer-offline --no-audit --no-fund', { folder, path, seconds: 600 })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new NotInstalled(message, OFFLINE.test(message))
  }
  // What tools have made of the former package is not that of this one.
  for (const cache of ['.vite', '.cache'])
    rmSync(join(folder, 'node_modules', cache), { recursive: true, force: true })
  writeFileSync(stamp, wanted)
}

/** @param {string} folder @param {string} tool @returns {string} */
export const versionOf = (folder, tool) =>
  JSON.parse(readFileSync(join(folder, 'node_modules', tool, 'package.json'), 'utf8')).version
