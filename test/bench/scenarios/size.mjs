import { join } from 'node:path'
import { measureSizes } from '../sizes.mjs'
import { tableOf } from '../table.mjs'

/**
 * Bytes of what a page loads.
 *
 * @param {import('../bench.mjs').Bench} bench
 */
export const size = ({ site }) => measureSizes(join(site, 'dist'))

/** @param {Awaited<ReturnType<typeof measureSizes>>} sizes */
export function sizeTable(sizes) {
  const rows = Object.entries(sizes).map(([name, { minified, gzip, brotli }]) => [
    name,
    minified,
    gzip,
    brotli,
  ])
  return tableOf('size, in bytes', ['file', 'minified', 'gzip -9', 'brotli 11'], rows)
}
