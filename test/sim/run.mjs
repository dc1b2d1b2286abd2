import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { simulate, vitest } from './simulate.mjs'

// npm run sim [-- --runs 20000 --seed 7 --kinds greeting,heartbeats]
// npm run sim -- --schedule '{"seed":…}'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

const USAGE = `Usage:
  npm run sim -- [--runs NUMBER] [--seed NUMBER] [--kinds KIND,KIND…]
      plays random schedules; 3,000 of a random seed and with servers of all kinds, unless told otherwise
  npm run sim -- --schedule JSON|FILE
      plays one schedule and shows what its tabs recorded`

/** Up to here in one process and with the very seed given; beyond that in chunks, two at a time. */
const UNDIVIDED = 5_000
const CHUNK = 2_500
const PROCESSES = 2

/** Simulations besides that of promises. Their schedules are marked. */
const OTHERS = ['users', 'budget', 'sockets', 'topics', 'centrifugo', 'lines', 'durable']

const PROGRESS_INTERVAL = 10_000

/** fast-check takes 32 bits, and a minus sign would only confuse. */
const SEEDS = 2 ** 31

try {
  const { schedule, runs = 3_000, seed = Math.floor(Math.random() * SEEDS), kinds } = readArguments()
  process.exitCode = schedule === undefined ? await playMany(runs, seed, kinds) : playOne(schedule)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

/** @returns {{ schedule?: string, runs?: number, seed?: number, kinds?: string }} */
function readArguments() {
  const names = ['runs', 'seed', 'kinds', 'schedule']
  const options = Object.fromEntries(names.map((name) => [name, { type: /** @type {const} */ ('string') }]))
  const { values, positionals } = parseArgs({ options, strict: false })
  const unknown = Object.keys(values).filter((name) => !names.includes(name))
  for (const argument of [...unknown.map((name) => `--${name}`), ...positionals]) {
    throw new Error(`Unknown argument: ${argument}\n${USAGE}`)
  }
  for (const [name, value] of Object.entries(values)) {
    if (typeof value !== 'string') throw new Error(`--${name} needs a value.\n${USAGE}`)
  }
  const { schedule, runs, seed, kinds } = /** @type {Record<string, string | undefined>} */ (values)
  return {
    ...(schedule !== undefined && { schedule }),
    ...(kinds !== undefined && { kinds }),
    ...(runs !== undefined && { runs: wholeNumber('runs', runs, 1) }),
    ...(seed !== undefined && { seed: wholeNumber('seed', seed, 0) }),
  }
}

/**
 * @param {string} name
 * @param {string} text
 * @param {number} least
 */
function wholeNumber(name, text, least) {
  const number = Number(text)
  if (text.trim() !== '' && Number.isInteger(number) && number >= least && number < SEEDS) return number
  throw new Error(`--${name} takes a whole number from ${least} to ${SEEDS - 1}, not "${text}".\n${USAGE}`)
}

/**
 * @param {string} given JSON, or a file that holds it
 * @returns {number} exit code
 */
function playOne(given) {
  const text = given.trimStart().startsWith('{') ? given : readFileSync(given, 'utf8')
  const schedule = JSON.stringify(JSON.parse(text))
  const marked = OTHERS.find((name) => schedule.includes(`"${name}":true`))
  const plays = marked ?? 'promises'
  const { status } = spawnSync(process.execPath, vitest(root, 'sim', `${plays}.test.ts`), {
    cwd: root,
    env: { ...process.env, TABSTREAM_SIM_SCHEDULE: schedule },
    stdio: 'inherit',
  })
  return status ?? 1
}

/**
 * @param {number} runs
 * @param {number} seed
 * @param {string | undefined} kinds of servers; all of them unless given
 * @returns {Promise<number>} exit code
 */
async function playMany(runs, seed, kinds) {
  console.log(`Playing ${count(runs)} random schedules from seed ${seed} …`)
  // Only the simulation of promises has servers of several kinds.
  const waiting =
    kinds === undefined
      ? ['promises', ...OTHERS].flatMap((plays) => chunksOf(runs, seed).map((chunk) => ({ ...chunk, plays })))
      : chunksOf(runs, seed).map((chunk) => ({ ...chunk, plays: 'promises', kinds }))
  /** @type {Map<Chunk, ReturnType<typeof simulate>>} */
  const running = new Map()
  let played = 0
  let isBroken = false
  const progress = setInterval(() => {
    const reports = Array.from(running.values(), ({ report }) => report())
    const now = reports.reduce((sum, report) => sum + report.runs, played)
    const isShrinking = reports.some(({ failure }) => failure !== undefined)
    console.log(
      `${count(now)} played${isShrinking ? '; one breaks a promise, looking for a smaller one …' : ''}`,
    )
  }, PROGRESS_INTERVAL)

  const playWaiting = async () => {
    for (let chunk = waiting.shift(); chunk !== undefined; chunk = waiting.shift()) {
      const simulation = simulate({ root, ...chunk })
      running.set(chunk, simulation)
      const result = await simulation.result
      running.delete(chunk)
      played += result.runs
      if (result.isPassed || isBroken) continue
      isBroken = true
      waiting.length = 0
      for (const { stop } of running.values()) stop()
      tell(chunk, result)
    }
  }
  await Promise.all(Array.from({ length: PROCESSES }, playWaiting))
  clearInterval(progress)
  const others =
    kinds === undefined
      ? ', some of them of users that come and go, of few connections, of topics, lines or Durable Streams, or by WebSocket'
      : ''
  if (!isBroken) console.log(`Every promise was kept in ${count(played)} schedules${others}.`)
  return isBroken ? 1 : 0
}

/** @typedef {{ runs: number, seed: number, plays: string, kinds?: string }} Chunk */

/**
 * @param {number} runs
 * @param {number} seed
 * @returns {{ runs: number, seed: number }[]}
 */
function chunksOf(runs, seed) {
  const size = runs <= UNDIVIDED ? runs : CHUNK
  return Array.from({ length: Math.ceil(runs / size) }, (_, index) => ({
    runs: Math.min(size, runs - index * size),
    // Far apart, so that neighbouring seeds do not share chunks.
    seed: (seed + index * 0x9e3779b1) % SEEDS,
  }))
}

/**
 * @param {Chunk} chunk
 * @param {import('./simulate.mjs').Result} result
 */
function tell({ runs, seed, kinds }, { failure, output }) {
  const again = `npm run sim -- --runs ${runs} --seed ${seed}${kinds === undefined ? '' : ` --kinds ${kinds}`}`
  if (failure === undefined) {
    console.log(`${output}\nThe simulation itself failed; again: ${again}`)
    return
  }
  const schedule = JSON.stringify(failure.schedule)
  console.log(`\nSchedule ${failure.run} of ${again} breaks a promise. The smallest found that does:\n`)
  console.log(schedule)
  console.log(`\n${failure.problems.map((problem) => `  ${problem}`).join('\n')}`)
  console.log(`\nAgain:\n\nnpm run sim -- --schedule '${schedule.replaceAll("'", "'\\''")}'`)
}

/** @param {number} number */
function count(number) {
  return number.toLocaleString('en')
}
