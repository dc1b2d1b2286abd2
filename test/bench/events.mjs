/** What a dashboard's events are called; each page listens to all of them. */
export const NAMES = ['cpu', 'memory', 'disk', 'network', 'processes']

/**
 * One event as a server sends it: an ID, a name and a line of JSON.
 *
 * @param {number} id
 * @param {{ bytes: number, named?: boolean, names?: readonly string[], sent?: number }} form `bytes` of JSON, about;
 *   `named: false` leaves the name out; `sent` is the time of sending in ms since 1970, fractions included
 */
export function encode(id, { bytes, named = true, names = NAMES, sent }) {
  const name = named ? `event: ${names[id % names.length]}\n` : ''
  return `id: ${id}\n${name}data: ${jsonOf(id, bytes, sent)}\n\n`
}

/**
 * The same event as a message of a WebSocket.
 *
 * @param {number} id
 * @param {{ bytes: number, names?: readonly string[], sent?: number }} form
 */
export function messageOf(id, { bytes, names = NAMES, sent }) {
  return `{"type":"${names[id % names.length]}","seq":${id},"payload":${jsonOf(id, bytes, sent)}}`
}

/**
 * Figures of a machine as JSON. Each event's text differs from the others', so that nothing can be kept instead of read.
 *
 * @param {number} id
 * @param {number} bytes
 * @param {number} [sent]
 */
function jsonOf(id, bytes, sent) {
  if (sent === undefined && bytes < 40) return `{"v":${id}}`.padEnd(bytes)
  const head = `{"sent":${(sent ?? 1.7e12 + id).toFixed(3)},"host":"web-${id % 90}","load":[`
  const samples = Math.max(1, Math.round((bytes - head.length - 2) / SAMPLE_LENGTH))
  let text = head
  for (let sample = 0; sample < samples; sample++) {
    const figure = 1_000 + ((id * 7 + sample * 13) % 8_999)
    text += `${sample === 0 ? '' : ','}0.${figure}`
  }
  return `${text}]}`
}

/** Characters of one figure of the list, such as `0.1234,`. */
const SAMPLE_LENGTH = 7
