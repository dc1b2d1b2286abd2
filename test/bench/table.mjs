/**
 * Text in columns; columns of numbers stand at the right.
 *
 * @param {string} title
 * @param {string[]} heads
 * @param {(string | number)[][]} rows
 * @param {string[]} [notes]
 */
export function tableOf(title, heads, rows, notes = []) {
  const columns = heads.map((head, column) =>
    columnOf(
      head,
      rows.map((row) => row[column]),
    ),
  )
  const lines = [heads, ...rows].map((_, line) => columns.map((column) => column[line]).join('  '))
  const rule = columns.map(([head]) => '─'.repeat(head.length)).join('  ')
  return ['', title, lines[0], rule, ...lines.slice(1), ...notes.map((note) => `  ${note}`)]
    .map((line) => line.trimEnd())
    .join('\n')
}

/** The head and the cells, all of the same width. @param {string} head @param {(string | number)[]} values */
function columnOf(head, values) {
  const isNumeric = values.every((value) => typeof value === 'number')
  const isWhole = values.every((value) => Number.isInteger(value))
  const texts = values.map((value) => (isWhole ? value.toLocaleString('en') : written(value)))
  const width = Math.max(head.length, ...texts.map((text) => text.length))
  return [head, ...texts].map((text) => (isNumeric ? text.padStart(width) : text.padEnd(width)))
}

/** A number with as many digits as mean something; a dash where there is none. @param {string | number} value */
export function written(value) {
  if (typeof value === 'string') return value
  if (!Number.isFinite(value)) return '–'
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}
