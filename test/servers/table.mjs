import { aligned } from '../aligned.mjs'

/** @typedef {import('./trial.ts').Row} Row */

/** @typedef {{ ancestorTitles: string[], title: string, status: string, meta: { row?: Row, why?: string } }} Case */

const HEAD = ['case', 'tabs', 'sent', 'received', 'lost', 'doubled', 'gaps told / expected', 'verdict']

/** One line for each case. @param {readonly Case[]} cases as Vitest's JSON reporter tells them */
export function tableOf(cases) {
  return aligned([HEAD, ...cases.map(lineOf)])
}

/** @param {Case} one */
function lineOf({ ancestorTitles, title, status, meta: { row, why } }) {
  const verdict =
    status === 'passed' ? 'holds' : status === 'failed' ? 'FAILED' : `SKIPPED: ${why ?? 'not chosen'}`
  const figures = row
    ? [
        String(row.tabs),
        String(row.sent),
        rangeOf(row.received),
        rangeOf(row.lost),
        rangeOf(row.doubled),
        row.expectedGaps === undefined ? row.gaps : `${rangeOf(row.gaps)} / ${row.expectedGaps}`,
      ]
    : HEAD.slice(1, -1).map(() => '')
  return [[...ancestorTitles, title].join(': '), ...figures, verdict]
}

/** One number where all tabs are alike. @param {readonly [number, number] | string} range as text where it was counted otherwise */
const rangeOf = (range) => {
  if (typeof range === 'string') return range
  const [least, most] = range
  return least === most ? String(least) : `${least}–${most}`
}
