import { join } from 'node:path'
import { HubInNode } from '../hub-in-node.mjs'
import { rounded } from '../statistics.mjs'
import { tableOf } from '../table.mjs'

const MIB = 1_048_576
const END = 'the end'
const LATER = 'later'

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
 * Events between the tab that is furthest back and the one that is furthest ahead. A tab that is further back than half of what a log
 * holds is told of a gap.
 */
const TAKEOVERS = {
  '1,024 events': 1_024,
  '4,096 events': 4_096,
  '8,000 events': 8_000,
  '16,384 events': 16_384,
}

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
  const takeovers = await compared(TAKEOVERS, rounds, (count) => blockOfTakeover(dist, count))
  return { bytes, entries, replays, takeovers }
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
  const late = await hub.tab(['*'], { replay })
  await late.reached(END)
  return performance.now() - begun
}

/**
 * The longest time in ms for which a new hub does nothing else, where one tab of a dead hub stands at the beginning, another at the
 * end, and the server replays all of it.
 */
async function blockOfTakeover(dist, count) {
  const numbered = (from) => eventsOf((index) => `id:${index + from}\n`, count - from + 1)
  const dead = new HubInNode(dist)
  const ahead = await dead.tab(['*'])
  await dead.asked()
  const [few, rest] = [eventsOf((index) => `id:${index + 1}\n`, 3), numbered(4)]
  dead.send(new TextEncoder().encode(few))
  await ahead.reached('2')
  const behind = ahead.positions.at(-1)
  await until(ahead, dead, rest + endOf())
  const hub = new HubInNode(dist)
  const tabs = [
    await hub.tab(['*'], standingAt({ ...behind, subscribers: 2 })),
    await hub.tab(['*'], standingAt(ahead.positions.at(-1))),
  ]
  await hub.asked()
  let longest = 0
  let last = performance.now()
  const look = () => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
    timer = setImmediate(look)
  }
  let timer = setImmediate(look)
  // What comes behind the replay is new to both.
  await until(tabs[0], hub, `${numbered(3) + endOf()}id:${count + 1}\ndata:${LATER}\n\n`, LATER)
  clearImmediate(timer)
  return longest
}

/** What a page tells of a subscription that had come so far at a hub before. */
const standingAt = (position) => ({
  position,
  seen: { events: position.latest, since: position.latest[0].ordinal - 1 },
})

const eventsOf = (headOf, count = ENTRIES) =>
  Array.from({ length: count }, (_, index) => `${headOf(index)}data:${index}\n\n`).join('')

const endOf = () => `event:end\ndata:${END}\n\n`

async function until(tab, hub, text, last = END) {
  const bytes = new TextEncoder().encode(text)
  const begun = performance.now()
  const reached = tab.reached(last)
  hub.send(bytes)
  await reached
  return performance.now() - begun
}

/** @param {Awaited<ReturnType<typeof hostile>>} result */
export function hostileTable({ bytes, entries, replays, takeovers }) {
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
    table('the longest block of a takeover', takeovers),
  ].join('\n')
}
