import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { allMutants } from './all-defects.mjs'
import { simulate, vitest } from './simulate.mjs'

// npm run sim:mutants [-- words of the names of some, users, budget, sockets, topics, centrifugo, lines or durable]
//
// Does the simulation notice? Each mutant is tabstream with one defect, and must break a promise; or a unit test where that
// takes too rare a schedule.

/** @typedef {import('./defects.mjs').Mutant} Mutant */
/** @typedef {import('./simulate.mjs').Result} Result */

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

const RUNS = 3_000
const SEED = 1
const PROCESSES = 2

/** Several times what the longest should take. */
const TIME_LIMIT = 400_000

const scratch = mkdtempSync(join(tmpdir(), 'tabstream-mutants-'))
process.on('exit', () => rmSync(scratch, { recursive: true }))
process.on('SIGINT', () => process.exit(130))

const words = process.argv.slice(2)
const chosen = allMutants.filter(({ name, plays }) =>
  words.every((word) => `${name} (${plays})`.includes(word)),
)
const rotten = chosen.flatMap((mutant) => whyRotten(mutant) ?? [])
if (chosen.length === 0) rotten.push(`No mutant's name contains "${words.join('" and "')}".`)
if (rotten.length > 0) {
  console.error(rotten.join('\n'))
  process.exit(1)
}

const begun = performance.now()
/** @type {string[]} */
const survivors = []
if (await isSound()) await playAll()
const seconds = Math.round((performance.now() - begun) / 1_000)
console.log(`\n${chosen.length} mutants, ${survivors.length} survived, ${seconds} s`)
for (const survivor of survivors) console.log(`  ${survivor}`)
const results = join(root, 'test/results')
mkdirSync(results, { recursive: true })
const counts = { passed: chosen.length - survivors.length, failed: survivors.length, failures: survivors }
writeFileSync(join(results, 'mutants.json'), JSON.stringify(counts))
process.exit(survivors.length > 0 ? 1 : 0)

/**
 * @param {Mutant} mutant
 * @returns {string | undefined}
 */
function whyRotten({ name, file, find }) {
  const occurrences = readFileSync(join(root, file), 'utf8').split(find).length - 1
  if (occurrences === 1) return undefined
  return `"${name}": its text occurs ${occurrences} times in ${file}, not once; choose another.\n${find}\n`
}

/** What kills a mutant must not kill tabstream itself. */
async function isSound() {
  const folder = copyOf('unmutated')
  for (const test of new Set(chosen.flatMap(({ test = [] }) => test))) {
    const { isPassed, problem } = await runTest(folder, test)
    if (isPassed) continue
    console.log(`Tabstream itself fails ${test}, so that nothing can be said of mutants: ${problem}`)
    process.exit(1)
  }
  const played = chosen.filter(({ test }) => test === undefined)
  // Those of one seed and one world are played once.
  const rounds = new Map(
    played.flatMap((mutant) =>
      seedsOf(mutant).map(
        (seed) => /** @type {const} */ ([`${mutant.plays} ${seed}`, { seed, plays: mutant.plays }]),
      ),
    ),
  )
  for (const { seed, plays } of rounds.values()) {
    const { isPassed, failure, output } = await play(folder, seed, plays)
    if (isPassed) continue
    const why = failure?.problems[0] ?? output
    console.log(`Tabstream itself breaks a promise, so that nothing can be said of mutants: ${why}`)
    console.log(`npm run sim -- --runs ${RUNS} --seed ${seed}`)
    process.exit(1)
  }
  if (rounds.size > 0)
    console.log(`Unmutated: kept every promise, ${RUNS} runs of ${[...rounds.keys()].join(', ')}`)
  console.log()
  return true
}

async function playAll() {
  const width = Math.max(...chosen.map(({ name }) => name.length))
  const waiting = [...chosen]
  console.log(`${'mutant'.padEnd(width)}  verdict     runs       ms  problem`)
  const playWaiting = async () => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const { verdict, runs, milliseconds, problem } = await judge(mutant)
      if (verdict !== 'killed') survivors.push(`${mutant.name}: ${mutant.defect}`)
      const numbers = `${String(runs).padStart(6)}  ${String(milliseconds).padStart(7)}`
      console.log(`${mutant.name.padEnd(width)}  ${verdict.padEnd(8)} ${numbers}  ${problem}`)
    }
  }
  await Promise.all(Array.from({ length: PROCESSES }, playWaiting))
}

/** @param {Mutant} mutant */
async function judge(mutant) {
  const folder = copyOf(mutant.name)
  const path = join(folder, mutant.file)
  const text = readFileSync(path, 'utf8')
  writeFileSync(
    path,
    text.replace(mutant.find, () => mutant.replace),
  )
  if (mutant.test !== undefined) {
    const begun = performance.now()
    const { isPassed, isClear, problem } = await runTest(folder, mutant.test)
    const verdict = isPassed ? 'SURVIVED' : isClear ? 'killed' : 'unclear'
    return { verdict, runs: 1, milliseconds: Math.round(performance.now() - begun), problem }
  }
  const total = { runs: 0, milliseconds: 0 }
  for (const seed of seedsOf(mutant)) {
    const begun = performance.now()
    const { isPassed, runs, failure, output } = await play(folder, seed, mutant.plays)
    total.runs += runs
    total.milliseconds += failure?.milliseconds ?? Math.round(performance.now() - begun)
    if (failure !== undefined) return { verdict: 'killed', ...total, problem: failure.problems[0] }
    // Neither passed nor failed by a promise: the mutant must be mended, whatever it shows.
    if (!isPassed) return { verdict: 'unclear', ...total, problem: output.trim() || 'did not end in time' }
  }
  return { verdict: 'SURVIVED', ...total, problem: '' }
}

/** @param {Mutant} mutant */
function seedsOf({ seeds = [SEED] }) {
  return seeds
}

/**
 * @param {string} folder
 * @param {number} seed
 * @param {string | undefined} plays
 * @returns {Promise<Result>}
 */
async function play(folder, seed, plays) {
  const { result, stop } = simulate({ root: folder, runs: RUNS, seed, plays, shrinks: false })
  const timer = setTimeout(stop, TIME_LIMIT)
  return result.finally(() => clearTimeout(timer))
}

/**
 * Runs one file of unit tests in a process of its own.
 *
 * @param {string} folder
 * @param {string} test
 * @returns {Promise<{ isPassed: boolean, isClear: boolean, problem: string }>} `isClear`: a test has passed or failed;
 *   `problem`: the first that has failed
 */
function runTest(folder, test) {
  const child = spawn(process.execPath, vitest(folder, 'unit', '--bail=1', '--reporter=dot', test), {
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1' },
  })
  const timer = setTimeout(() => child.kill(), TIME_LIMIT)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text))
  return new Promise((resolve) => {
    child.on('close', (code) => {
      clearTimeout(timer)
      const [, failed] = /^ *FAIL +(.*)$/m.exec(output) ?? []
      const isPassed = code === 0
      resolve({ isPassed, isClear: isPassed || failed !== undefined, problem: failed ?? '' })
    })
  })
}

/**
 * A checkout with as much as the simulation needs.
 *
 * @param {string} name
 */
function copyOf(name) {
  const folder = join(scratch, name.replaceAll(/\W+/g, '-'))
  for (const part of [
    '.ci',
    'src',
    'worker',
    'test/sim',
    'test/unit',
    'test/servers.ts',
    'test/vitest.config.ts',
    'package.json',
    'tsconfig.json',
  ]) {
    cpSync(join(root, part), join(folder, part), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  return folder
}
