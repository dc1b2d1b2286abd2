import { foreignShare, sample } from './machine.mjs'
import { wait } from './waiting.mjs'

/** Share of the machine that others may use during a measurement. */
const FOREIGN = 0.1
/** How often a measurement that was disturbed is made again. */
const ATTEMPTS = 4
/** How long to wait for others to be done, in ms. */
const PATIENCE = 20_000
/** How long to look whether they are, in ms. */
const LOOK = 300

/**
 * Measures each subject once in each round, in an order that rotates, so that what changes over time hits all of them.
 * Measurements that were disturbed by other load are discarded and made again, as long as the scenario has time.
 *
 * @template Subject, Result
 * @param {import('./bench.mjs').Bench} bench
 * @param {readonly Subject[]} subjects
 * @param {number} count of rounds; fewer where the scenario's time is over
 * @param {(subject: Subject) => Promise<Result & { foreign: number }>} measure `foreign`: see {@link foreignShare}
 * @param {(subject: Subject) => string} title
 * @returns {Promise<Map<Subject, Result[]>>} without what was disturbed: a subject can have fewer results than rounds
 */
export async function inRounds(bench, subjects, count, measure, title) {
  const results = new Map(subjects.map((subject) => [subject, []]))
  const order = Array.from({ length: count }, (_, round) =>
    subjects.map((_, index) => ({ round, subject: subjects[(index + round) % subjects.length] })),
  ).flat()
  for (const { round, subject } of order) {
    // Without the first round there would be nothing to tell.
    if (round > 0 && Date.now() > bench.deadline) {
      bench.say(`out of time in round ${round + 1} of ${count}`)
      break
    }
    const result = await undisturbed(bench, () => measure(subject), `${title(subject)}, round ${round + 1}`)
    if (result) results.get(subject).push(result)
  }
  for (const [subject, { length }] of results) if (length === 0) bench.missing.push(title(subject))
  return results
}

async function undisturbed(bench, measure, name) {
  for (let attempt = 1; ; attempt++) {
    await untilQuiet(bench)
    const result = await resultOf(bench, measure, name)
    if (result === undefined || result.foreign <= FOREIGN) return result
    const isLast = attempt === ATTEMPTS || Date.now() > bench.deadline
    const percent = Math.round(result.foreign * 100)
    bench.say(
      `${name}: other load took ${percent} % of the machine; ${isLast ? 'left out' : 'measured again'}`,
    )
    if (isLast) return
  }
}

/** One measurement that fails is a problem of its own and no reason to lose the others. */
async function resultOf(bench, measure, name) {
  try {
    return await measure()
  } catch (error) {
    bench.complain(`${name}: ${error instanceof Error ? error.message : error}`)
  }
}

/** Resolves when others leave the machine alone, or after {@link PATIENCE}. */
async function untilQuiet({ deadline }) {
  const patience = Math.min(Date.now() + PATIENCE, deadline)
  for (;;) {
    const before = sample()
    await wait(LOOK)
    if (foreignShare(before, sample()) <= FOREIGN || Date.now() > patience) return
  }
}
