import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { installPackages } from '../.ci/packages.mjs'
import { chromiumEnvironment, root } from '../.ci/prepare.mjs'
import { testConsumers } from './consumers/test-consumers.mjs'
import { testEngines } from './engines/engines.mjs'
import { prepareRunners, RUNNERS, testRunner } from './runners/test-runners.mjs'
import { testServers } from './servers/servers.mjs'
import { runVitest } from './vitest.mjs'

/** @typedef {import('./parts.mjs').Part} Part */

const CONFIG = '--config=test/vitest.config.ts'

/** Servers that tests start, and Debian's packages of them. */
const SERVERS = { 'redis-server': 'redis-server', nginx: 'nginx-light' }

/** @type {Part} */
export const unitAndSimulation = {
  name: 'unit, simulation',
  run: () => testUnits({}),
}

/** A third of the schedules, for whoever waits. @type {Part} */
export const unitAndShortSimulation = {
  name: 'unit, simulation (short)',
  run: () => testUnits({ TABSTREAM_SIM_RUNS: '1000', ...process.env }),
}

/** Browser tests that measure, or that open as many tabs as a machine bears: each has the machine for itself. */
const ALONE = ['backlog', 'budget', 'burst', 'busy', 'inspector', 'overload'].map(
  (name) => `browser/${name}.test.ts`,
)

/** The others mostly wait, so that two at a time take little more than half the time. */
const TWO_AT_A_TIME = ['--fileParallelism', '--maxWorkers=2']

/** @type {Part} */
export const essentialBrowser = {
  name: 'browser, essential',
  run: () => testBrowser('essential', TWO_AT_A_TIME, { tag: 'essential' }),
}

/** @type {Part} */
export const browserTogether = {
  name: 'browser',
  run: () => testBrowser('browser', [...TWO_AT_A_TIME, ...ALONE.map((file) => `--exclude=${file}`)]),
}

/** @type {Part} */
export const browserAlone = {
  name: 'browser, one at a time',
  run: () => testBrowser('alone', ALONE),
}

/**
 * Those of all tests that the arguments of Vitest choose. Most of what Vitest skips then is what they leave out.
 *
 * @param {readonly string[]} args
 * @returns {Part}
 */
export const chosen = (args) => ({
  name: 'chosen tests',
  async run() {
    const environment = await chromiumEnvironment()
    return { ...runVitest('chosen', [CONFIG, ...args], { environment }), skipped: 0 }
  },
})

/** @type {Part} */
export const lint = {
  name: 'lint',
  run() {
    const isClean = npm('run', '--silent', 'lint')
    return { passed: isClean ? 1 : 0, failed: isClean ? 0 : 1, skipped: 0 }
  },
}

/** @type {Part} */
export const mutants = {
  name: 'mutants of the simulation',
  run() {
    const results = join(root, 'test/results/mutants.json')
    rmSync(results, { force: true })
    npm('run', '--silent', 'sim:mutants')
    if (!existsSync(results)) throw new Error('No mutant was judged; see above.')
    return { skipped: 0, ...JSON.parse(readFileSync(results, 'utf8')) }
  },
}

/** Of the apps of real tools those that CI has the time for. @type {Part} */
export const consumers = { name: 'consumers, quick', run: () => testConsumers(['--quick']) }

/** Component tests of sample apps, by the runners that people have. @type {Part} */
export const runners = {
  name: 'runners',
  run() {
    prepareRunners()
    const all = RUNNERS.map((name) => testRunner(name))
    const sum = (/** @type {keyof import('./parts.mjs').Counts} */ key) =>
      all.reduce((total, counts) => total + counts[key], 0)
    return { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') }
  },
}

/** @type {Part} */
export const engines = { name: 'engines', run: () => testEngines([]) }

/** Tabs in front of real servers and proxies. @type {Part} */
export const servers = { name: 'servers', run: () => testServers([]) }

/** @param {NodeJS.ProcessEnv} environment */
function testUnits(environment) {
  // Where they cannot be had, the tests of redisLog() and of the tester behind nginx are skipped, and say so.
  const missing = Object.entries(SERVERS).filter(([server]) => spawnSync(server, ['-v']).error !== undefined)
  if (missing.length > 0) installPackages(missing.map(([, name]) => name))
  return runVitest('unit', [CONFIG, '--project=unit', '--project=sim'], { environment })
}

/**
 * @param {string} name of the file in test/results
 * @param {readonly string[]} args
 * @param {{ tag?: string }} [options]
 */
async function testBrowser(name, args, options) {
  const environment = await chromiumEnvironment()
  return runVitest(name, [CONFIG, '--project=browser', ...args], { ...options, environment })
}

/** @param {string[]} args */
function npm(...args) {
  const script = process.env.npm_execpath
  const command = script ? process.execPath : 'npm'
  return spawnSync(command, script ? [script, ...args] : args, { cwd: root, stdio: 'inherit' }).status === 0
}
