/** @param {readonly number[]} values */
export const median = (values) => percentile(values, 0.5)

/**
 * The value below which this share of all lies; between two of them, what lies between. NaN where there are none.
 *
 * @param {readonly number[]} values
 * @param {number} share 0 to 1
 */
export function percentile(values, share) {
  const sorted = [...values].sort((one, other) => one - other)
  const place = (sorted.length - 1) * share
  const below = sorted[Math.floor(place)] ?? Number.NaN
  const above = sorted[Math.ceil(place)] ?? Number.NaN
  return below + (above - below) * (place - Math.floor(place))
}

/** @param {number} value @param {number} digits that count */
export const rounded = (value, digits = 3) => Number(value.toPrecision(digits))
