import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../.ci/prepare.mjs'

const WORK = join(root, 'build/runners')

/** @typedef {import('../parts.mjs').Counts} Counts */

/** Sample apps, each a folder here. */
export const RUNNERS = readdirSync(import.meta.dirname, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)

/** Packs the package for {@link testRunner}. */
export function prepareRunners() {
  rmSync(WORK, { recursive: true, force: true })
  mkdirSync(WORK, { recursive: true })
  renameSync(join(WORK, pack()), join(WORK, 'tabstream.tgz'))
}

/** @returns the file's name */
function pack() {
  const { stdout } = npm(root, ['pack', '--json', '--pack-destination', WORK], 'pipe')
  const [{ filename }] = JSON.parse(stdout)
  return filename
}

/**
 * Installs a copy of a sample app, and runs its tests.
 *
 * @param {string} name
 * @returns {Counts}
 */
export function testRunner(name) {
  const folder = join(WORK, name)
  cpSync(join(import.meta.dirname, name), folder, { recursive: true })
  writeExamples(join(folder, 'docs'))
  // Scripts of packages that are installed have no business here.
  const flags = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--no-package-lock']
  if (npm(folder, ['install', ...flags]).status !== 0) throw new Error('its packages could not be installed')
  npm(folder, ['test'])
  const { numPassedTests, numFailedTests, numPendingTests, numFailedTestSuites } = resultsOf(folder)
  // A file that cannot be loaded has no tests that could fail.
  return {
    passed: numPassedTests,
    failed: Math.max(numFailedTests, numFailedTestSuites),
    skipped: numPendingTests,
  }
}

/**
 * The files that docs/testing.md shows, with which its tests run as a reader would run them.
 *
 * @param {string} folder
 */
function writeExamples(folder) {
  mkdirSync(folder)
  const page = readFileSync(join(root, 'docs/testing.md'), 'utf8')
  for (const [, file, code] of page.matchAll(/```\w+\n\/\/ (\S+)\n([\s\S]*?)```/g))
    writeFileSync(join(folder, file), code)
}

/** @param {string} folder */
function resultsOf(folder) {
  try {
    return JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8'))
  } catch {
    throw new Error('its tests did not run; see above')
  }
}

/**
 * @param {string} cwd
 * @param {string[]} args
 * @param {'inherit' | 'pipe'} [stdout]
 */
function npm(cwd, args, stdout = 'inherit') {
  const script = process.env.npm_execpath
  const [command, all] = script ? [process.execPath, [script, ...args]] : ['npm', args]
  return spawnSync(command, all, { cwd, encoding: 'utf8', stdio: ['ignore', stdout, 'inherit'] })
}
