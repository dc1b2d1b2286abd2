/** What is wrong with the numbers that one tab has received. */
export interface NumberFindings {
  received: number
  /** Missing, and nobody has said so. */
  lost: number
  /** Missing where a gap was told. */
  told: number
  doubled: number
  outOfOrder: number
  gaps: number
}

/**
 * Compares with `first`, `first + 1` … `last`.
 *
 * @param gapsAt how many numbers had come when each gap was told
 */
export function examineNumbers(
  numbers: readonly number[],
  gapsAt: readonly number[],
  last: number,
): NumberFindings {
  const due = numbers.filter((number) => number <= last)
  const [first = 0] = due
  const had = new Set<number>()
  const excused = new Set<number>()
  let [doubled, outOfOrder, highest] = [0, 0, first - 1]
  for (const [index, number] of due.entries()) {
    if (gapsAt.includes(index)) for (let left = highest + 1; left < number; left++) excused.add(left)
    if (had.has(number)) doubled++
    else if (number < highest) outOfOrder++
    had.add(number)
    highest = Math.max(highest, number)
  }
  let [lost, told] = [0, 0]
  for (let number = first; number <= last; number++) {
    if (had.has(number)) continue
    if (excused.has(number)) told++
    else lost++
  }
  return { received: due.length, lost, told, doubled, outOfOrder, gaps: gapsAt.length }
}

/** For people. */
export function tableOf(run: {
  sent: number
  kept: NumberFindings
  findings: readonly NumberFindings[]
  /** In ms. */
  pauses: readonly number[]
  kills: Readonly<Record<string, number>>
}): string {
  const head = ['', 'received', 'lost', 'doubled', 'out of order', 'gaps', 'longest pause']
  const cells = ({ received, lost, doubled, outOfOrder, gaps }: NumberFindings) =>
    [received, lost, doubled, outOfOrder, gaps].map(String)
  const rows = [
    ['Redis', ...cells({ ...run.kept, received: run.kept.received - 1 }), ''],
    ...run.findings.map((findings, index) => [
      `tab ${index + 1}`,
      ...cells(findings),
      `${((run.pauses[index] ?? 0) / 1_000).toFixed(1)} s`,
    ]),
  ]
  const line = (texts: readonly string[]) =>
    texts.map((text, index) => (index === 0 ? text.padEnd(6) : text.padStart(13))).join('')
  const kills = Object.entries(run.kills).map(([name, count]) => `${name} ${count}×`)
  return [`${run.sent} events were sent; killed: ${kills.join(', ')}`, ...[head, ...rows].map(line)].join(
    '\n',
  )
}
