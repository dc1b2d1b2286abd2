import { renameSync, writeFileSync } from 'node:fs'

const { TABSTREAM_SIM_REPORT } = process.env

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
