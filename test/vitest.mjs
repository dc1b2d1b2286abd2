import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { root } from '../.ci/prepare.mjs'

/**
 * What Vitest's JSON reporter tells of a test.
 *
 * @typedef {object} Case
 * @property {string[]} ancestorTitles
 * @property {string} title
 * @property {string} status
 * @property {string[]} tags
 * @property {string[]} [failureMessages]
 * @property {{ version?: string, note?: string, row?: import('./servers/trial.ts').Row, why?: string }} meta
 */

/** Lines of a failure that tell what has failed; the rest is the stack. */
const LINES_OF_FAILURE = 12

/**
 * Runs Vitest and counts. A file that failed as a whole counts as one failure more, and so does a run that failed although
 * no test did. Throws where Vitest has not come as far as to tell results.
 *
 * @param {string} name of the file in test/results
 * @param {readonly string[]} args
 * @param {{ tag?: string, environment?: NodeJS.ProcessEnv }} [options] `tag` leaves out the tests that do not have it
 * @returns {import('./parts.mjs').Counts & { cases: Case[] }}
 */
export function runVitest(name, args, { tag, environment } = {}) {
  const results = join(root, 'test/results', `${name}.json`)
  rmSync(results, { force: true })
  const { status } = spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${results}`,
      ...(tag === undefined ? [] : [`--tags-filter=${tag}`]),
      ...args,
    ],
    {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, ...environment },
    },
  )
  if (!existsSync(results)) throw new Error('Vitest has ended without results; it has said why.')

  /** @type {{ name: string, status: string, message: string, assertionResults: Case[] }[]} */
  const files = JSON.parse(readFileSync(results, 'utf8')).testResults
  // Vitest calls those skipped that the filter leaves out.
  const cases = files
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ tags }) => tag === undefined || tags.includes(tag))
  const count = (/** @type {string} */ status) => cases.filter((each) => each.status === status).length
  const brokenFiles = files.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && assertionResults.every(({ status }) => status !== 'failed'),
  )
  const [passed, failed] = [count('passed'), count('failed') + brokenFiles.length]
  const isUnexplained = status !== 0 && failed === 0
  return {
    cases,
    passed,
    failed: isUnexplained ? 1 : failed,
    skipped: cases.length - passed - count('failed'),
    failures: files.flatMap((file) => {
      const name = relative(root, file.name)
      if (brokenFiles.includes(file)) return [`${name}\n${beginningOf(file.message)}`]
      return file.assertionResults
        .filter(({ status }) => status === 'failed')
        .map(({ ancestorTitles, title, failureMessages = [] }) => {
          const path = [name, ...ancestorTitles, title].join(' > ')
          return `${path}\n${beginningOf(failureMessages.join('\n'))}`
        })
    }),
  }
}

/** @param {string} text */
const beginningOf = (text) => text.split('\n').slice(0, LINES_OF_FAILURE).join('\n')
