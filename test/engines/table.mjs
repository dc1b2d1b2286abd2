import { aligned } from '../aligned.mjs'

/**
 * One line for each host and case, one column for each engine.
 *
 * @param {{ ancestorTitles: string[], title: string, status: string, meta: { version?: string, note?: string } }[]} cases
 *   as Vitest's JSON reporter tells them: in describe blocks named after engine and host
 */
export function tableOf(cases) {
  const engines = unique(cases.map(({ ancestorTitles: [engine] }) => engine))
  const rows = unique(cases.map(rowOf))
  const versionOf = (engine) =>
    cases.find(({ ancestorTitles, meta }) => ancestorTitles[0] === engine && meta.version)?.meta.version ?? ''
  const cell = (row, engine) => {
    const { status, meta } =
      cases.find((each) => rowOf(each) === row && each.ancestorTitles[0] === engine) ?? {}
    return status === 'skipped' ? 'not run' : [status, meta?.note].filter(Boolean).join(', ')
  }
  return aligned([
    ['host: case', ...engines.map((engine) => `${engine} ${versionOf(engine)}`)],
    ...rows.map((row) => [row, ...engines.map((engine) => cell(row, engine))]),
  ])
}

const rowOf = ({ ancestorTitles: [, host], title }) => `${host}: ${title}`

const unique = (values) => [...new Set(values)]
