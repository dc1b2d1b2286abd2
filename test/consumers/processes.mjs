import { spawn } from 'node:child_process'
import { delimiter, join } from 'node:path'

/** @typedef {ReturnType<typeof start>} Running */

/** @type {Set<Running>} */
const running = new Set()

// Nothing outlives the run, however it ends.
process.on('exit', () => {
  for (const one of running) one.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))

/**
 * Starts a script of an app's package.json as npm does: in a shell, with the app's own commands on the path. The shell leads a
 * process group of its own, so that what it starts ends with it.
 *
 * @param {string} command
 * @param {{ folder: string, path?: readonly string[], env?: Record<string, string> }} options `path` comes before all else
 */
export function start(command, { folder, path = [], env = {} }) {
  const paths = [...path, join(folder, 'node_modules/.bin'), process.env.PATH]
  const child = spawn('sh', ['-c', command], {
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...withoutNpm(), ...QUIET, PATH: paths.join(delimiter), ...env },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text
    })
  }
  /** @type {Promise<number>} */
  const ended = new Promise((resolve) => {
    child.once('close', (code) => resolve(code ?? 1))
    // What outlives the shell may keep its output open.
    child.once('exit', (code) => setTimeout(() => resolve(code ?? 1), 2_000))
  })
  const one = {
    /** Resolves with the exit code. */
    ended,
    hasEnded: false,
    output: () => output,
    /** @param {NodeJS.Signals} signal */
    kill(signal) {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, signal)
      } catch {
        // The group has ended already.
      }
    },
    async stop() {
      one.kill('SIGTERM')
      const isStuck = setTimeout(() => one.kill('SIGKILL'), 5_000)
      await ended
      clearTimeout(isStuck)
      one.kill('SIGKILL')
    },
  }
  running.add(one)
  void ended.then(() => {
    one.hasEnded = true
    running.delete(one)
  })
  return one
}

/** No tool reports to its maker, asks a question, or colours what is kept. */
const QUIET = {
  CI: 'true',
  NO_COLOR: '1',
  NEXT_TELEMETRY_DISABLED: '1',
  NUXT_TELEMETRY_DISABLED: '1',
  ASTRO_TELEMETRY_DISABLED: '1',
  NG_CLI_ANALYTICS: 'false',
  BROWSER: 'none',
}

/** What npm sets for the script that runs this is about another package. */
const withoutNpm = () =>
  Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_ENV$|^VITEST|^NODE_OPTIONS$/.test(name)),
  )

/**
 * Runs a script to its end. Throws with what it has printed where it fails.
 *
 * @param {string} command
 * @param {Parameters<typeof start>[1] & { seconds?: number }} options `seconds` is how long it may take
 */
export async function run(command, { seconds = 300, ...options }) {
  const one = start(command, options)
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    void one.stop()
  }, seconds * 1_000)
  const code = await one.ended
  clearTimeout(timer)
  if (isLate) throw new Error(`${command} has not ended within ${seconds} s:\n${tail(one.output())}`)
  if (code !== 0) throw new Error(`${command} has failed:\n${tail(one.output())}`)
  return one.output()
}

/** @param {string} text */
export const tail = (text) => text.trim().split('\n').slice(-40).join('\n')
