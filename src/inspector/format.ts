/** One formatter for all: to make one costs as much as to write a line. */
export const { format: number } = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })

/** @example count(2, 'event') // '2 events' */
export const count = (amount: number, thing: string): string =>
  `${number(amount)} ${thing}${amount === 1 ? '' : 's'}`

/** 1 kB is 1,000 bytes. */
export function bytes(amount: number): string {
  if (amount < 1_000) return `${number(Math.round(amount))} B`
  return amount < 1_000_000 ? `${number(amount / 1_000)} kB` : `${number(amount / 1_000_000)} MB`
}

/** @param ms less than 0 counts as 0 */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.max(Math.round(ms), 0)} ms`
  const seconds = ms / 1_000
  if (seconds < 60) return `${number(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** Local time with ms; a dash where it is not known. */
export function clock(at: number): string {
  if (at === 0) return '–'
  const date = new Date(at)
  return `${date.toTimeString().slice(0, 8)}.${String(date.getMilliseconds()).padStart(3, '0')}`
}

/** @param protocol its ALPN name; `''` where it is not known */
export const protocolName = (protocol: string): string =>
  protocol.replace(/^h(?=\d)/, 'http/').toUpperCase() || 'protocol not known, counts as HTTP/1.1'

/** In UTF-8. */
export const sizeOf = (text: string): number => new TextEncoder().encode(text).length
