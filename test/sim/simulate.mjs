import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * A schedule that breaks promises.
 *
 * @typedef {object} Failure
 * @property {number} run the how many-th schedule drawn was the first to break one
 * @property {number} milliseconds how long it took until then
 * @property {object} schedule the smallest found so far
 * @property {string[]} problems
 */

/**
 * What promises.test.ts, users.test.ts, budget.test.ts, sockets.test.ts, topics.test.ts, centrifugo.test.ts, lines.test.ts or
 * durable.test.ts writes while it runs.
 *
 * @typedef {object} Report
 * @property {number} runs schedules played so far, less those of the shrinking
 * @property {Failure} [failure]
 */

/** @typedef {Report & { isPassed: boolean, output: string }} Result */

/**
 * Plays random schedules in a process of its own.
 *
 * @param {{ root: string, runs: number, seed: number, kinds?: string, shrinks?: boolean, plays?: string }} options `root`: a
 *   checkout of tabstream; `kinds`: of servers, with commas between them; `plays`: which simulation
 * @returns {{ report: () => Report, result: Promise<Result>, stop: () => void }}
 */
export function simulate({ root, runs, seed, kinds, shrinks = true, plays = 'promises' }) {
  const folder = mkdtempSync(join(tmpdir(), 'tabstream-sim-'))
  const path = join(folder, 'report.json')
  const tidyUp = () => rmSync(folder, { recursive: true, force: true })
  process.once('exit', tidyUp)
  const child = spawn(process.execPath, vitest(root, 'sim', `${plays}.test.ts`), {
    cwd: root,
    env: {
      ...process.env,
      TABSTREAM_SIM_RUNS: String(runs),
      TABSTREAM_SIM_SEED: String(seed),
      TABSTREAM_SIM_KINDS: kinds,
      TABSTREAM_SIM_SHRINK: shrinks ? 'yes' : 'no',
      TABSTREAM_SIM_REPORT: path,
      TABSTREAM_SIM_SCHEDULE: undefined,
    },
  })
  const stop = () => child.kill()
  process.once('exit', stop)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text) => {
      output += text
    })
  }
  /** @type {Promise<Result>} */
  const result = new Promise((resolve) => {
    child.on('close', (code) => {
      const report = readReport(path)
      process.removeListener('exit', stop)
      process.removeListener('exit', tidyUp)
      tidyUp()
      resolve({ ...report, isPassed: code === 0, output })
    })
  })
  return { report: () => readReport(path), result, stop }
}

/**
 * Arguments for Node that run files of a project. In a thread, which ends with its process whatever it is doing.
 *
 * @param {string} root
 * @param {'sim' | 'unit'} project
 * @param {string[]} others which files, and how
 */
export const vitest = (root, project, ...others) => [
  join(root, 'node_modules/vitest/vitest.mjs'),
  'run',
  '--config=test/vitest.config.ts',
  `--project=${project}`,
  '--pool=threads',
  ...others,
]

/**
 * @param {string} path
 * @returns {Report}
 */
function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return { runs: 0 }
  }
}
