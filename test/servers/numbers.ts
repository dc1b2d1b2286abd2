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
  /** Between two numbers, in ms. */
  longestPause?: number
}

/**
 * Compares with all numbers from `first` to `last`.
 *
 * @param gapsAt how many numbers had come when each gap was told
 */
export function examineNumbers(
  numbers: readonly number[],
  gapsAt: readonly number[],
  last: number,
  first: number = numbers[0] ?? 1,
): NumberFindings {
  const had = new Set<number>()
  const excused = new Set<number>()
  let [doubled, outOfOrder, highest] = [0, 0, first - 1]
  for (const [index, number] of numbers.entries()) {
    if (number > last) continue
    if (gapsAt.includes(index))
      for (let skipped = highest + 1; skipped < number; skipped++) excused.add(skipped)
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
  return { received: had.size + doubled, lost, told, doubled, outOfOrder, gaps: gapsAt.length }
}

/** What the table of all tests says of one. */
export function rowOf(sent: number, findings: readonly NumberFindings[], gaps: string) {
  const rangeOf = (key: 'received' | 'lost' | 'told' | 'doubled' | 'gaps') => {
    const values = findings.map((each) => each[key])
    return [...new Set([Math.min(...values), Math.max(...values)])].join('–')
  }
  return {
    tabs: findings.length,
    sent,
    received: rangeOf('received'),
    lost: rangeOf('lost'),
    doubled: rangeOf('doubled'),
    gaps: `${rangeOf('gaps')} / ${gaps}`,
  }
}

/** Of one run, for people. `kept` is what Redis has. */
export function tableOf(run: {
  sent: number
  kept: NumberFindings
  findings: readonly NumberFindings[]
  kills: Readonly<Record<string, number>>
}): string {
  const line = (texts: readonly string[]) =>
    texts.map((text, index) => (index === 0 ? text.padEnd(6) : text.padStart(15))).join('')
  const row = (name: string, { received, lost, doubled, outOfOrder, gaps, longestPause }: NumberFindings) => {
    const pause = longestPause === undefined ? '' : `${(longestPause / 1_000).toFixed(1)} s`
    return line([name, ...[received, lost, doubled, outOfOrder, gaps].map(String), pause])
  }
  const kills = Object.entries(run.kills).map(([name, count]) => `${name} ${count}×`)
  return [
    `${run.sent} events were sent; killed: ${kills.join(', ')}`,
    line(['', 'received', 'lost', 'doubled', 'out of order', 'gaps', 'longest pause']),
    row('Redis', run.kept),
    ...run.findings.map((each, index) => row(`tab ${index + 1}`, each)),
  ].join('\n')
}
