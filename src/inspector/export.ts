import { masked } from './masked.ts'
import { describe, type EventRow, type Row } from './rows.ts'

/**
 * One JSON object a line. An event has `type`, `at` (ISO 8601, where known), `name`, `id` and `data`; any other line has `type`,
 * `at` and `text`. Queries of URLs are masked, whatever the panel shows.
 */
export const toJsonLines = (rows: readonly Row[]): string =>
  rows
    .map((row) => {
      const at = row.at > 0 ? new Date(row.at).toISOString() : undefined
      const { type } = row
      if (row.type !== 'event') return `${JSON.stringify({ type, at, text: describe(row, masked) })}\n`
      const { name, id, data } = row
      return `${JSON.stringify({ type, at, name, id, data })}\n`
    })
    .join('')

/** As a server could have sent it; lines that are no events are comments. */
export function toEventStream(rows: readonly Row[]): string {
  let id = ''
  const linesOfBlock = (row: Row): string[] => {
    if (row.type !== 'event') return linesOf(describe(row, masked)).map((line) => `: ${line}`)
    const former = id
    id = row.id
    return fieldsOf(row, former)
  }
  return rows.map((row) => [...linesOfBlock(row), '', ''].join('\n')).join('')
}

const fieldsOf = ({ name, id, data }: EventRow, former: string): string[] => [
  ...(id === former ? [] : [`id: ${id}`]),
  ...(name === 'message' ? [] : [`event: ${name}`]),
  ...linesOf(data).map((line) => `data: ${line}`),
]

const linesOf = (text: string): string[] => text.split(/\r\n|\r|\n/)
