import { join } from 'node:path'
import { HubInNode } from '../hub-in-node.mjs'
import { rounded } from '../statistics.mjs'
import { tableOf } from '../table.mjs'

const MIB = 1_048_576
const END = 'the end'

/** Repeated without end, until there is a MiB of it. */
const FRIENDLY =
  'event: cpu\nid: 1795421911:0\ndata: {"load":0.52,"cores":[12,3,44,5,61,7,8,92],"note":"nothing"}\n\n'
const SHAPES = {
  'events of 100 bytes': FRIENDLY,
  'empty lines, LF': '\n',
  'empty lines, CR': '\r',
  comments: ':\n\n',
  'IDs alone': 'id:1\n\n',
  'names alone': 'event:a\n\n',
  'empty events': 'data\n\n',
  'fields that nobody knows': 'x\n',
  'times that are none': 'retry:x\n',
  'one line': 'x',
  'one line of data': undefined,
}

const ENTRIES = 8_000
/** So many events each; what a server may say of them. */
const EVENTS = {
  'one name': () => 'event:a\n',
  'names made up': (index) => `event:name-${index}\n`,
  'names of 500 characters': (index) => `event:${'n'.repeat(500)}${index}\n`,
  'IDs of 500 characters': (index) => `event:a\nid:${'i'.repeat(500)}${index}\n`,
}

/** As many events are replayed in each case: all of one name, or the latest of each. */
const REPLAYS = Object.fromEntries(
  ['one name', 'names made up', 'names of 500 characters'].map((name, index) => [
    name,
    { headOf: EVENTS[name], replay: index === 0 ? 'all' : 1 },
  ]),
)

/**
 * What bytes and entries cost the hub that a server has thought out for that, beside friendly ones: ratios, since all of it
 * runs in Node.
 *
 * @param {import('../bench.mjs').Bench} bench
 */
export async function hostile({ site, options }) {
  const dist = join(site, 'dist')
  const rounds = options.rounds ?? (options.isQuick ? 2 : 4)
  const bytes = await compared(SHAPES, rounds, (shape) => costOfBytes(dist, shape))
  const entries = await compared(EVENTS, rounds, (headOf) => costOfEntries(dist, headOf))
  const replays = await compared(REPLAYS, rounds, ({ headOf, replay }) => costOfReplay(dist, headOf, replay))
  return { bytes, entries, replays }
}

/** The least of some rounds in which all take turns; the first case is what the others are compared with. */
async function compared(cases, rounds, measure) {
  const least = new Map()
  for (let round = 0; round < rounds; round++) {
    for (const [name, value] of Object.entries(cases)) {
      least.set(name, Math.min(least.get(name) ?? Number.POSITIVE_INFINITY, await measure(value)))
    }
  }
  const [usual] = least.values()
  return [...least].map(([name, ms]) => ({ name, ms: rounded(ms), times: rounded(ms / usual) }))
}

/** ms for a MiB, until what comes after it has reached a tab that listens to that alone. */
async function costOfBytes(dist, shape) {
  const hub = new HubInNode(dist)
  const tab = await hub.tab(['end'])
  await hub.asked()
  const text = shape === undefined ? `data:${'x'.repeat(MIB)}` : shape.repeat(MIB / shape.length)
  return until(tab, hub, `${text}\n\n${endOf()}`)
}

/** ms for so many events, until a tab that listens to all of them has the last. */
async function costOfEntries(dist, headOf) {
  const hub = new HubInNode(dist)
  const tab = await hub.tab(['*'])
  await hub.asked()
  return until(tab, hub, eventsOf(headOf) + endOf())
}

/** ms until a tab that comes later has the last of so many events. */
async function costOfReplay(dist, headOf, replay) {
  const hub = new HubInNode(dist)
  const first = await hub.tab(['*'])
  await hub.asked()
  await until(first, hub, eventsOf(headOf) + endOf())
  const begun = performance.now()
  const late = await hub.tab(['*'], replay)
  await late.reached(END)
  return performance.now() - begun
}

const eventsOf = (headOf) =>
  Array.from({ length: ENTRIES }, (_, index) => `${headOf(index)}data:${index}\n\n`).join('')

const endOf = () => `event:end\ndata:${END}\n\n`

async function until(tab, hub, text) {
  const bytes = new TextEncoder().encode(text)
  const begun = performance.now()
  const reached = tab.reached(END)
  hub.send(bytes)
  await reached
  return performance.now() - begun
}

/** @param {Awaited<ReturnType<typeof hostile>>} result */
export function hostileTable({ bytes, entries, replays }) {
  const table = (title, list) =>
    tableOf(
      title,
      ['', 'ms', '× the first'],
      list.map(({ name, ms, times }) => [name, ms, times]),
    )
  return [
    table('hostile bytes: a MiB of each', bytes),
    table(`hostile entries: ${ENTRIES.toLocaleString('en')} events, to a tab that hears all`, entries),
    table('as many, replayed to a tab that comes later and hears all', replays),
  ].join('\n')
}
