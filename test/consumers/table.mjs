import { aligned } from '../aligned.mjs'

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {string} version
 * @property {string} mode
 * @property {string} host
 * @property {number | string} tabs
 * @property {number | string} connections
 * @property {number | string} sockets
 * @property {number} seconds
 * @property {string} result
 * @property {string[]} problems
 */

/** @param {readonly Row[]} rows */
export function tableOf(rows) {
  const cells = [
    ['consumer', 'version', 'mode', 'host', 'tabs', 'connections', 'sockets', 'seconds', 'result'],
    ...rows.map((row) =>
      [
        row.name,
        row.version,
        row.mode,
        row.host,
        row.tabs,
        row.connections,
        row.sockets,
        row.seconds.toFixed(1),
        row.result,
      ].map(String),
    ),
  ]
  return aligned(cells)
}
