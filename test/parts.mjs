// The parts that npm test and npm run test:all consist of, and what both say at their end.

/**
 * How many tests, and what is to be said of those that failed.
 *
 * @typedef {{ passed: number, failed: number, skipped: number, failures?: readonly string[] }} Counts
 */

/**
 * `run` throws where the part cannot be run.
 *
 * @typedef {{ name: string, run: () => Counts | Promise<Counts> }} Part
 */

/** Nobody reads more. */
const FAILURES_SHOWN = 20

/**
 * Runs one part after the other, also after one that has failed. Ends with the failures of all parts, since whoever keeps
 * but the end of a long output shall know them, a table, a line with the sums, and the exit code.
 *
 * @param {readonly Part[]} parts
 */
export async function runParts(parts) {
  const results = []
  for (const part of parts) results.push(await runPart(part))
  const failures = results.flatMap(({ name, failures = [] }) =>
    failures.map((failure) => `FAILED in ${name}: ${failure}`),
  )
  for (const failure of failures.slice(0, FAILURES_SHOWN)) console.log(`\n${failure}`)
  if (failures.length > FAILURES_SHOWN) console.log(`\nand ${failures.length - FAILURES_SHOWN} more`)
  console.log(`\n${tableOf(results)}`)
  for (const { name, problem } of results) {
    if (problem) console.log(`\n${name.toUpperCase()} COULD NOT RUN, which counts as a failure: ${problem}`)
  }
  const { passed, failed, skipped } = sumOf(results)
  // CI reads this line.
  console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
  // A run of nothing is not a success.
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0
}

/** @param {Part} part */
async function runPart({ name, run }) {
  console.log(`\n=== ${name} ===`)
  const begun = performance.now()
  const seconds = () => Math.round((performance.now() - begun) / 1_000)
  try {
    return { name, ...(await run()), seconds: seconds() }
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    console.error(problem)
    return { name, problem, passed: 0, failed: 1, skipped: 0, seconds: seconds() }
  }
}

/**
 * @param {readonly Counts[]} all
 * @returns {Counts}
 */
function sumOf(all) {
  const sum = (/** @type {keyof Counts} */ key) => all.reduce((total, counts) => total + counts[key], 0)
  return { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') }
}

/** @param {readonly (Counts & { name: string, seconds: number })[]} results */
function tableOf(results) {
  const total = results.reduce((total, { seconds }) => total + seconds, 0)
  const sum = { name: 'all', ...sumOf(results), seconds: total }
  const rows = results.length > 1 ? [...results, sum] : results
  const width = Math.max(...rows.map(({ name }) => name.length))
  const line = (/** @type {string} */ name, /** @type {readonly unknown[]} */ cells) =>
    [name.padEnd(width), ...cells.map((cell) => String(cell).padStart(7))].join('  ')
  return [
    line('part', ['passed', 'failed', 'skipped', 'seconds']),
    ...rows.map(({ name, passed, failed, skipped, seconds }) =>
      line(name, [passed, failed, skipped, seconds]),
    ),
  ].join('\n')
}
