/** Longer IDs are shown by their beginning, in characters. */
const LONGEST = 80

/** A number and what it counts: `1 event`, `2 events`. */
export const inNumber = (number: number, what: string): string =>
  `${number.toLocaleString('en')} ${what}${number === 1 ? '' : 's'}`

export const inSeconds = (seconds: number): string => `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`

/** As a JSON string, so that blanks at its ends and control characters can be seen. */
export const quoted = (text: string): string =>
  JSON.stringify(text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text)

/** In bytes, kB or MB. */
export const inBytes = (bytes: number): string => {
  if (bytes < 1_000) return `${bytes} B`
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`
}
