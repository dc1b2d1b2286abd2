/**
 * What is measured side by side. `page` is the module in pages/, `most` the number of tabs beyond which it cannot work:
 * each of them would hold one of the six connections that a browser opens to an HTTP/1.1 server.
 *
 * @typedef {object} Variant
 * @property {string} name
 * @property {string} page
 * @property {string} [host] for tabstream's `configure()`
 * @property {'live' | 'batch'} [hidden] for `connect()`
 * @property {number} [most]
 * @property {boolean} [named] false: its events have no names
 * @property {boolean} [losesEvents] loss and disorder are reported and are no error
 * @property {string} [note]
 * @property {number} warmUp events of the first flood at six tabs and 150 bytes, about a fifth of what it delivers in a second
 */

/** @type {Variant[]} */
export const VARIANTS = [
  { name: 'event-source', page: 'event-source', host: 'shared-worker', warmUp: 20_000 },
  { name: 'connect', page: 'connect', host: 'shared-worker', warmUp: 40_000 },
  { name: 'event-source-leader', page: 'event-source', host: 'leader', warmUp: 20_000 },
  { name: 'connect-leader', page: 'connect', host: 'leader', warmUp: 40_000 },
  { name: 'socket', page: 'socket', host: 'shared-worker', warmUp: 20_000 },
  {
    name: 'socket-one-by-one',
    page: 'socket-one-by-one',
    host: 'shared-worker',
    warmUp: 2_000,
    note: 'socket is connectSocket() with a server that puts several events into one message under load, as SSE has several in one chunk; socket-one-by-one has a message for each, and native-socket is the browser’s own WebSocket with such',
  },
  { name: 'native-socket', page: 'native-socket', warmUp: 2_000 },
  { name: 'native', page: 'native', most: 6, warmUp: 2_000 },
  { name: 'fetch', page: 'fetch', most: 6, warmUp: 4_000 },
  {
    name: 'peer',
    page: 'peer',
    named: false,
    losesEvents: true,
    warmUp: 2_000,
    note: 'peer is shared-event-source 0.1.3 from npm: it relays events without a name only, so its events have none',
  },
  {
    name: 'relay',
    page: 'relay',
    warmUp: 40_000,
    note: 'relay is the reference: a bare SharedWorker that posts the events of each network chunk to every tab; no acknowledgement, no back-pressure, no log',
  },
]

/** @param {string} name */
export function variantOf(name) {
  const variant = VARIANTS.find((each) => each.name === name)
  if (variant) return variant
  throw new Error(`no variant "${name}"; there are ${VARIANTS.map(({ name }) => name).join(', ')}`)
}

/** Whether a variant works with so many tabs. @param {Variant} variant @param {number} tabs */
export const fits = ({ most = Number.POSITIVE_INFINITY }, tabs) => tabs <= most

/** What must be said about the variants in a table, each once. @param {{ variant: string }[]} rows */
export const notesOf = (rows) => [
  ...new Set(rows.map(({ variant }) => variantOf(variant).note).filter((note) => note !== undefined)),
]
