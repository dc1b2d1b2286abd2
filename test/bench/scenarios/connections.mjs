import { join } from 'node:path'
import { KINDS } from '../connections/kinds.mjs'
import { Remote } from '../remote.mjs'
import { median, percentile } from '../statistics.mjs'
import { tableOf } from '../table.mjs'
import { wait, withTimeLimit } from '../waiting.mjs'

const FOLDER = join(import.meta.dirname, '../connections')

const CONNECTIONS = 10_000
const QUICK_CONNECTIONS = 1_000
/** How many of them stop to read in the second part. */
const SLOW = 0.2

const ROUNDS = 15
const QUICK_ROUNDS = 5
/** Those in which code is still being compiled. */
const WARM_UP = 2
/** ms between two broadcasts of the same server. */
const EVERY = 1_000

/** In ms; in the second part it is short, since who takes nothing between two is cut. */
const HEARTBEAT = 15_000
const SHORT_HEARTBEAT = 2_000
/** Of one event for those that are slow, and how many there are: more than the system keeps for a Unix socket. */
const BULK = 65_536
const BULKS = 12

/** ms until everything is given up. */
const PATIENCE = 120_000

const kB = 1_000

/**
 * Servers with as many connections each, all at the same time: what a connection costs, and how long it takes until a broadcast is
 * there. Broadcasts of the servers take turns, so what else the machine does hits all of them.
 *
 * @param {import('../bench.mjs').Bench} bench
 */
export async function connections(bench) {
  const { isQuick, rounds = isQuick ? QUICK_ROUNDS : ROUNDS } = bench.options
  const count = isQuick ? QUICK_CONNECTIONS : CONNECTIONS
  const slowCount = Math.round(count * SLOW)
  return {
    count,
    slowCount,
    idle: await measured(bench, count, rounds, 0),
    slow: await measured(bench, count, rounds, slowCount),
  }
}

/** @param {number} slow how many of the clients read nothing any more */
async function measured(bench, count, rounds, slow) {
  const subjects = []
  try {
    for (const kind of Object.keys(KINDS)) subjects.push(await begun(bench, kind, count, slow))
    for (let round = 0; round < rounds + WARM_UP; round++) {
      const since = Date.now()
      for (const subject of subjects) await broadcastUnlessDead(subject, round)
      await wait(Math.max(0, EVERY - (Date.now() - since)))
    }
    const results = []
    for (const subject of subjects) results.push(await summaryOf(bench, subject))
    return results
  } finally {
    for (const { server, clients } of subjects) await Promise.all([server.stop(), clients.stop()])
  }
}

async function begun({ site, say }, kind, count, slow) {
  const heartbeat = String(slow === 0 ? HEARTBEAT : SHORT_HEARTBEAT)
  const args = [kind, heartbeat, join(site, 'dist')]
  const server = new Remote(join(FOLDER, 'server.mjs'), args, ['--expose-gc'])
  const clients = new Remote(join(FOLDER, 'clients.mjs'))
  // The system keeps 4 MB for a TCP connection that nobody reads, 2,000 times that is more than it has for all, and the clients
  // that read would wait for it. For a Unix socket it keeps 0.2 MB.
  const address = await (slow === 0
    ? server.call('listen')
    : server.call('listen', join(site, `${kind}.sock`)))
  const before = await server.call('memory')
  const reading = count - slow
  await withTimeLimit(clients.call('open', 'reading', reading, address, '/a', {}), PATIENCE, 'connections')
  if (slow > 0) {
    const options = { isSlow: true, untilId: kind === 'tabstream' }
    await withTimeLimit(
      clients.call('open', 'slow', slow, address, '/a,bulk', options),
      PATIENCE,
      'connections',
    )
  }
  const after = await server.call('memory')
  say(`${kind}: ${count} connections are open`)
  return {
    kind,
    server,
    clients,
    address,
    count,
    slow,
    reading,
    before,
    after,
    delays: [],
    lasts: [],
    costs: [],
  }
}

/** A server that ends is a result, too: what keeps everything for clients that do not read may run out of memory. */
async function broadcastUnlessDead(subject, round) {
  if (subject.server.hasEnded) return
  try {
    await broadcast(subject, round)
  } catch (error) {
    if (!subject.server.hasEnded) throw error
  }
}

async function broadcast({ server, clients, slow, reading, delays, lasts, costs }, round) {
  // What the slow ones do not take is there before the measured event.
  if (slow > 0) {
    const bulks = Math.ceil(BULKS / (WARM_UP + 1))
    if (round <= WARM_UP)
      for (let bulk = 0; bulk < bulks; bulk++) await server.call('broadcast', 'bulk', BULK)
  }
  await clients.call('expect', reading)
  const before = await server.call('processor')
  await server.call('broadcast', 'a')
  const received = await withTimeLimit(clients.call('delays'), PATIENCE, 'a broadcast')
  const after = await server.call('processor')
  if (round < WARM_UP) return
  delays.push(...received)
  lasts.push(Math.max(...received))
  costs.push((after.user + after.system - before.user - before.system) / reading)
}

async function summaryOf({ complain }, subject) {
  const { kind, server, clients, address, count, slow, reading, before, after, delays, lasts, costs } =
    subject
  const result = {
    kind,
    rss: (after.rss - before.rss) / count,
    heap: (after.heap - before.heap) / count,
    p50: percentile(delays, 0.5),
    p99: percentile(delays, 0.99),
    last: median(lasts),
    microseconds: median(costs),
  }
  if (slow === 0) return result
  if (server.hasEnded) return { ...result, cut: count, resumed: 0, grown: Number.NaN, isDead: true }
  const isCut = kind === 'tabstream'
  // Two heartbeats after they took nothing any more.
  if (isCut) await withTimeLimit(untilLeft(server, reading), PATIENCE, 'the cut of those that are slow')
  const left = await server.call('connections')
  const end = await server.call('memory')
  const resumed = isCut ? await clients.call('resume', 'slow', address, '/a,bulk') : 0
  if (isCut && resumed !== slow) complain(`${slow - resumed} of ${slow} slow clients could not resume`)
  if (left < reading) complain(`${kind}: ${reading - left} clients that read were cut`)
  return { ...result, cut: count - left, resumed, grown: (end.rss - after.rss) / slow }
}

async function untilLeft(server, count) {
  while ((await server.call('connections')) > count) await wait(100)
}

/** @param {Awaited<ReturnType<typeof connections>>} results */
export function connectionsTable({ count, idle, slow }) {
  const bare = (results) => results.find(({ kind }) => kind === 'res.write')
  const rowOf = (results) => (result) => {
    const { rss, heap, p50, p99, last, microseconds, cut, resumed, grown, isDead = false } = result
    const kind = isDead ? `${result.kind} †` : result.kind
    const times = (key) => result[key] / bare(results)[key]
    const shared = [p50, times('p50'), p99, times('p99'), last, microseconds, times('microseconds')]
    return cut === undefined
      ? [kind, rss / kB, heap / kB, ...shared]
      : [kind, cut, resumed, grown / kB, ...shared]
  }
  const heads = ['p50 ms', '× res.write', 'p99 ms', '× res.write', 'last ms', 'CPU µs each', '× res.write']
  const note =
    'res.write is the reference: a loop over all responses; no history, no heartbeat of its own, no limit'
  return [
    tableOf(
      `connections: ${count.toLocaleString('en')} that are idle but for an event a second`,
      ['server', 'RSS kB each', 'heap kB each', ...heads],
      idle.map(rowOf(idle)),
      [note],
    ),
    tableOf(
      `connections: the same, and ${SLOW * 100} % of them read nothing`,
      ['server', 'cut', 'resumed', 'RSS kB more for each slow one', ...heads],
      slow.map(rowOf(slow)),
      ['delays are those of the clients that read; † its process has ended'],
    ),
  ].join('\n')
}
