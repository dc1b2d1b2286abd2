import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../.ci/prepare.mjs'
import { plotsOf } from './plots.mjs'
import { rounded } from './statistics.mjs'

const FILE = join(import.meta.dirname, 'figures.json')
const PLOTS = join(import.meta.dirname, 'plots')
const BEGIN = '<!-- figures -->'
const END = '<!-- /figures -->'
const MIB = 2 ** 20

/** Scenarios whose figures the README says are measured in Chromium. */
const IN_BROWSER = ['throughput', 'latency', 'tabs', 'memory', 'takeover']

/**
 * Writes figures.json, the plots, and the README's figures. Scenarios that were not run stay as they were; where something
 * was lost in silence, everything does.
 *
 * @param {{ environment: object, results: Record<string, any>, problems: string[] }} report
 */
export function save({ environment, results, problems }) {
  if (problems.length > 0) {
    console.log('\nNot saved, because of what follows.')
    return
  }
  // What is measured without a browser has an environment of its own, or none.
  const isInBrowser = IN_BROWSER.some((name) => name in results)
  const figures = {
    ...readFigures(),
    ...(isInBrowser && { environment }),
    ...figuresOf(results, environment),
  }
  writeFileSync(FILE, `${JSON.stringify(figures, null, 2)}\n`)
  mkdirSync(PLOTS, { recursive: true })
  for (const [name, svg] of Object.entries(plotsOf(results))) writeFileSync(join(PLOTS, `${name}.svg`), svg)
  const readme = join(root, 'README.md')
  const before = readFileSync(readme, 'utf8')
  const after = withFigures(before, figures)
  if (after === undefined) console.log(`README.md has no ${BEGIN} and ${END}: its figures stay as they are.`)
  else if (after !== before) writeFileSync(readme, after)
}

/** What figures.json holds; nothing before the first `--save`. */
export function readFigures() {
  try {
    return JSON.parse(readFileSync(FILE, 'utf8'))
  } catch (error) {
    if (error.code === 'ENOENT') return {}
    throw error
  }
}

/**
 * What documents quote, rounded: two digits of ratios, three of other figures.
 *
 * @param {Record<string, any>} results
 * @param {Record<string, string>} environment
 */
export function figuresOf(
  { size, throughput, latency, tabs, memory, takeover, storm, connections, cost },
  environment,
) {
  return {
    ...(size && { size }),
    ...(throughput && { throughput: throughput.map((each) => throughputFigures(throughput, each)) }),
    ...(latency && {
      latency: latency.map(({ variant, tabs, rate, p50, p99 }) => ({
        variant,
        tabs,
        rate,
        p50: rounded(p50, 2),
        p99: rounded(p99, 2),
      })),
    }),
    ...(tabs && {
      tabs: tabs.map(({ variant, times, stalls, later }) => ({
        variant,
        tabs: times.length,
        later: rounded(later, 2),
        stalls,
      })),
    }),
    ...(memory && { memory: memoryFigures(memory) }),
    ...(takeover && {
      takeover: takeover.map(({ variant, death, fromEnd, lost }) => ({
        variant,
        death,
        ms: rounded(fromEnd, 2),
        lost,
      })),
    }),
    ...(storm && { storm: stormFigures(storm) }),
    ...(connections && { connections: { environment, ...connectionsFigures(connections) } }),
    ...(cost && {
      cost: cost.map(({ axis, point, hub, heap }) => ({
        axis,
        point,
        hub: rounded(hub, 2),
        heap: rounded(heap / MIB, 2),
      })),
    }),
  }
}

function throughputFigures(all, { variant, tabs, bytes, rate, microseconds, lost }) {
  const beside = (name) =>
    all.find((each) => each.variant === name && each.tabs === tabs && each.bytes === bytes)
  const [native, relay] = [beside('native'), beside('relay')]
  return {
    variant,
    tabs,
    bytes,
    rate: rounded(rate, 2),
    microseconds: rounded(microseconds, 2),
    // A rate at which events were lost is not one at which they were delivered.
    ...(lost > 0 && { lost: rounded(lost, 1) }),
    ...(native && { timesNative: rounded(rate / native.rate, 2) }),
    ...(relay && { timesRelay: rounded(rate / relay.rate, 2) }),
    ...(native && { timesNativeProcessor: rounded(microseconds / native.microseconds, 2) }),
    ...(relay && { timesRelayProcessor: rounded(microseconds / relay.microseconds, 2) }),
  }
}

function memoryFigures({ tabs, hubs }) {
  const blank = tabs.find(({ variant }) => variant === 'blank')
  return {
    tabs: tabs.map(({ variant, heap, tab }) => ({
      variant,
      scripts: rounded((heap - blank.heap) / MIB, 2),
      processes: rounded((tab - blank.tab) / MIB, 2),
    })),
    hubs: hubs.map(({ variant, events, before, after }) => ({
      variant,
      events,
      before: rounded(before / MIB, 2),
      after: rounded(after / MIB, 2),
    })),
  }
}

/** A short outage, of a server that accepts everybody: when most come back at the same time. */
function stormFigures(all) {
  const shortest = Math.min(...all.map(({ outage }) => outage))
  return all
    .filter(({ outage, capacity }) => outage === shortest && !Number.isFinite(capacity))
    .map(({ rule, time, browsers, share, all }) => ({
      rule,
      retry: time,
      browsers,
      share: rounded(share, 2),
      seconds: rounded(all, 2),
    }))
}

function connectionsFigures({ count, slowCount, idle, slow }) {
  const digits = (value) => rounded(value, 2)
  return {
    count,
    slowCount,
    idle: idle.map(({ kind, rss, p50, p99, microseconds }) => ({
      kind,
      kB: digits(rss / 1_000),
      p50: digits(p50),
      p99: digits(p99),
      microseconds: digits(microseconds),
    })),
    slow: slow.map(({ kind, grown, p50, p99, cut, resumed, isDead = false }) =>
      isDead
        ? { kind, isDead }
        : { kind, cut, resumed, kB: digits(grown / 1_000), p50: digits(p50), p99: digits(p99) },
    ),
  }
}

/**
 * The README with the figures between its markers; nothing where it has no markers.
 *
 * @param {string} readme
 * @param {object} figures as in figures.json
 * @returns {string | undefined}
 */
export function withFigures(readme, figures) {
  const begin = readme.indexOf(BEGIN)
  const end = readme.indexOf(END, begin)
  if (begin < 0 || end < 0) return undefined
  return `${readme.slice(0, begin + BEGIN.length)}\n${readmePart(figures)}\n${readme.slice(end)}`
}

/** Variants that the README compares, as it calls them. */
const COLUMNS = {
  'event-source': '`SharedEventSource`',
  connect: '`connect()`',
  native: '`EventSource` in each tab',
  fetch: '`fetch` and a parser in each tab',
  relay: 'bare worker',
  peer: '[shared-event-source](https://www.npmjs.com/package/shared-event-source)',
}

/**
 * What the README says of the figures.
 *
 * @param {any} figures as in figures.json
 * @returns {string} Markdown
 */
export function readmePart(figures) {
  const { environment, throughput = [], latency = [] } = figures
  const variants = Object.keys(COLUMNS)
  const row = (title, cellOf) =>
    `| ${[title, ...variants.map((variant) => cellOf(variant) ?? '–')].join(' | ')} |`
  const flood = (key) => (name) =>
    throughput.find(({ variant, tabs, bytes }) => variant === name && tabs === 6 && bytes === 150)?.[key]
  const delay = (count, rate) => (name) =>
    latency.find((each) => each.variant === name && each.tabs === count && each.rate === rate)?.p50
  return [
    `| six tabs, events of 150 bytes | ${Object.values(COLUMNS).join(' | ')} |`,
    `| --- |${' ---: |'.repeat(variants.length)}`,
    row('events a second that each tab gets, × `EventSource`', flood('timesNative')),
    row('CPU time for each of them, × `EventSource`', flood('timesNativeProcessor')),
    row('median latency at 100 events a second, ms', delay(6, 100)),
    row('the same with 20 tabs, ms', delay(20, 100)),
    '',
    ...sentencesOf(figures),
    '',
    `Measured with \`npm run bench\` on ${environment.processors}, Chromium ${environment.chromium}, ${environment.date}, all of them side by side over HTTP/1.1. The *bare worker* is a SharedWorker that passes on what it gets and does nothing else.`,
    ...serverPart(figures),
  ].join('\n')
}

/** What has no place in the table, one item each. */
function sentencesOf({ throughput = [], tabs = [], takeover = [], memory }) {
  const shared = tabs.find(({ variant }) => variant === 'event-source')
  const native = tabs.find(({ variant }) => variant === 'native')
  const hub = memory?.hubs.find(({ variant }) => variant === 'connect')
  const scripts = memory?.tabs.find(({ variant }) => variant === 'event-source')?.scripts
  const msOf = (name, wanted) =>
    takeover.find(({ variant, death }) => variant === name && death === wanted)?.ms
  const [killed, closed] = [
    msOf('event-source', 'worker killed'),
    msOf('event-source-leader', 'leader closed'),
  ]
  const losers = throughput.filter(
    ({ variant, tabs, bytes, lost }) => variant in COLUMNS && tabs === 6 && bytes === 150 && lost > 0,
  )
  return [
    ...losers.map(
      ({ variant, lost }) =>
        `- At the rate above, up to ${rounded(lost * 100, 1)} % of the events did not reach ${COLUMNS[variant]} in tabs that were slower than others.`,
    ),
    shared &&
      `- With ${shared.tabs} tabs open, a further one has its first event after ${shared.later} ms.${native?.stalls ? ` With an \`EventSource\` in each, the ${native.stalls.replace(/tab (\d+)/, 'tab number $1')} never ends.` : ''}`,
    killed &&
      closed &&
      `- When the worker is killed, the tabs are without events for ${killed} ms; when the leader is closed, for ${closed} ms. None is lost.`,
    hub &&
      `- The hub's heap is ${hub.after} MiB after ${hub.events.toLocaleString('en')} events; tabstream takes ${scripts} MiB of each tab's.`,
  ].filter(Boolean)
}

/** Of servers, which no browser has measured. */
function serverPart({ connections, storm }) {
  if (!connections || !storm) return []
  const { processors, node, date } = connections.environment
  return [
    '',
    `The server half, measured with \`npm run bench -- --only connections,storm\` on ${processors}, Node ${node}, ${date}, beside [better-sse](https://www.npmjs.com/package/better-sse) and a loop over \`res.write\` that keeps no history and looks after nobody:`,
    '',
    connectionsSentence(connections),
    stormSentence(storm),
  ]
}

function connectionsSentence({ count, slowCount, idle, slow }) {
  const of = (results, wanted) => results.find(({ kind }) => kind === wanted)
  const [ours, theirs, bare] = ['tabstream', 'better-sse', 'res.write'].map((kind) => of(idle, kind))
  const [oursSlow, bareSlow] = ['tabstream', 'res.write'].map((kind) => of(slow, kind))
  const number = (value) => value.toLocaleString('en')
  const beside = (key) => `(better-sse ${theirs[key]}, a bare \`res.write\` ${bare[key]})`
  return [
    `- One Node process with \`tabstream/server\` and ${number(count)} idle connections takes ${ours.kB} kB for each ${beside('kB')}.`,
    `Half of them have a broadcast after ${ours.p50} ms ${beside('p50')}, 99 % after ${ours.p99} ms ${beside('p99')}.`,
    ...(oursSlow.isDead
      ? []
      : [
          `With ${number(slowCount)} that read nothing, it cuts ${number(oursSlow.cut)}, ${number(oursSlow.resumed)} of them resume, and half of the others have a broadcast after ${oursSlow.p50} ms${bareSlow.isDead ? '' : ` (a bare \`res.write\` ${bareSlow.p50})`}.`,
        ]),
  ].join(' ')
}

/** Of the longest wait that was simulated. */
function stormSentence(storm) {
  const retry = Math.max(...storm.map((each) => each.retry))
  const of = (wanted) => storm.find((each) => each.rule === wanted && each.retry === retry)
  const percent = (rule) => `${rounded(of(rule).share * 100, 2)} %`
  const { browsers, seconds } = of('tabstream')
  return `- When a server restarts that says \`retry: ${retry}\`, ${percent('tabstream')} of ${browsers.toLocaleString('en')} browsers come back in the fullest second, and all within ${seconds} s (simulated; ${percent('fixed')} where each waits equally long, as browsers do, ${percent('full jitter')} with full jitter).`
}
