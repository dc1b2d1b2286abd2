import { execFileSync } from 'node:child_process'
import { cpus, totalmem } from 'node:os'
import { Chromium } from './browser.mjs'
import { hasAccounts } from './machine.mjs'
import { RemoteServer } from './remote-server.mjs'
import { makeSite } from './site.mjs'

/**
 * What scenarios measure with.
 *
 * @typedef {object} Bench
 * @property {import('./options.mjs').Options} options
 * @property {RemoteServer} server
 * @property {Chromium} chromium
 * @property {string} origin of the server
 * @property {string} site folder that the server serves
 * @property {object} environment where the figures come from
 * @property {number} deadline when the scenario's time is over, in ms since 1970
 * @property {string[]} problems what makes the run a failure
 * @property {string[]} missing what could not be measured, because of other load
 * @property {(text: string) => void} say
 * @property {(problem: string) => void} complain
 * @property {() => Promise<void>} close
 */

/**
 * Starts the server and the browser.
 *
 * @param {import('./options.mjs').Options} options
 * @param {string} executablePath of Chromium
 * @returns {Promise<Bench>}
 */
export async function openBench(options, executablePath) {
  if (!hasAccounts) {
    console.log(
      'THIS IS NOT LINUX: there are no CPU and memory figures, and load by other programs goes unnoticed.',
    )
  }
  const site = await makeSite(options.dist)
  // Also where the run is broken off.
  process.once('exit', site.remove)
  process.once('SIGTERM', () => {
    console.log('Broken off by SIGTERM.')
    process.exit(143)
  })
  const server = await RemoteServer.start(site.folder)
  const chromium = await Chromium.launch(executablePath)
  const problems = []
  const say = (text) => console.log(`  ${text}`)
  return {
    options,
    server,
    chromium,
    origin: `http://127.0.0.1:${server.port}`,
    site: site.folder,
    environment: environmentOf(chromium),
    deadline: Number.POSITIVE_INFINITY,
    problems,
    missing: [],
    say,
    complain(problem) {
      problems.push(problem)
      say(`PROBLEM: ${problem}`)
    },
    async close() {
      await chromium.close()
      await server.stop()
    },
  }
}

function environmentOf({ version }) {
  return {
    date: new Date().toISOString().slice(0, 10),
    chromium: version,
    node: process.version,
    processors: `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: execFileSync('uname', ['-sr'], { encoding: 'utf8' }).trim(),
  }
}
