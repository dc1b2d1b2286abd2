import { renameSync, writeFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect } from 'vitest'

const { TABSTREAM_SIM_REPORT, TABSTREAM_SIM_SHRINK } = process.env

/** How often simulate.mjs is told, in runs. */
const INTERVAL = 100

/**
 * What tells simulate.mjs how a search stands.
 *
 * @param runs how many schedules will be played
 */
export function reporter(runs: number): (schedule: object, problems: readonly string[]) => void {
  const begun = performance.now()
  const report: { runs: number; failure?: object } = { runs: 0 }
  let first: { readonly run: number; readonly milliseconds: number } | undefined
  return (schedule, problems) => {
    if (first === undefined) report.runs++
    if (problems.length > 0) {
      first ??= { run: report.runs, milliseconds: Math.round(performance.now() - begun) }
      report.failure = { ...first, schedule, problems }
    }
    const isDue = problems.length > 0 || report.runs % INTERVAL === 0 || report.runs === runs
    if (TABSTREAM_SIM_REPORT === undefined || !isDue) return
    // Renamed when complete: it is read at any time.
    writeFileSync(`${TABSTREAM_SIM_REPORT}.new`, JSON.stringify(report))
    renameSync(`${TABSTREAM_SIM_REPORT}.new`, TABSTREAM_SIM_REPORT)
  }
}

/**
 * Plays so many schedules as they are drawn. Where one has problems, it looks for a smaller one that has some.
 *
 * @param report see {@link reporter}
 */
export async function search<Schedule extends object>(
  schedules: fc.Arbitrary<Schedule>,
  problemsOf: (schedule: Schedule) => Promise<string[]>,
  { runs, seed }: { readonly runs: number; readonly seed: number },
  report = reporter(runs),
): Promise<void> {
  const hasNone = fc.asyncProperty(schedules, async (schedule) => {
    const problems = await problemsOf(schedule).catch((error) => [String(error)])
    report(schedule, problems)
    expect(problems).toEqual([])
  })
  await fc.assert(hasNone, { numRuns: runs, seed, endOnFailure: TABSTREAM_SIM_SHRINK === 'no' })
}
