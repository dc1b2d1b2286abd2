/** @param {number} value @param {number} digits most of them; `8`, not `8.0` */
const short = (value, digits) => String(Number(value.toFixed(digits)))

/** @param {number} base @param {string[]} units @returns {(value: number) => string} */
const scaled = (base, units) => (value) => {
  const power = Math.floor(Math.log(Math.max(value, 1)) / Math.log(base))
  const index = Math.min(power, units.length - 1)
  const rest = value / base ** index
  return `${short(rest, index === 0 || rest >= 100 ? 0 : 1)} ${units[index]}`
}

export const memorySize = scaled(1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB'])
export const diskSize = scaled(1000, ['B', 'kB', 'MB', 'GB', 'TB', 'PB'])
export const rate = scaled(1000, ['B/s', 'kB/s', 'MB/s', 'GB/s'])

/** @param {number} value */
export const percent = (value) => `${short(value, value < 10 ? 1 : 0)} %`

/** @param {number} value */
export const plain = (value) => short(value, 2)

/** @param {number} seconds */
export const duration = (seconds) => {
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  if (hours < 1) return `${minutes} min`
  if (hours < 24) return `${hours} h ${minutes % 60} min`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}
