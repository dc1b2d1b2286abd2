import { readdirSync, readFileSync } from 'node:fs'
import { cpus } from 'node:os'

/** Whether this system tells how much CPU time each process has used. */
export const hasAccounts = process.platform === 'linux'

/** Clock ticks per second in /proc: USER_HZ is 100 on all that Node runs on. */
const TICKS = 100
/** What Chromium calls the thread of a SharedWorker; Linux keeps 15 characters of it. */
const WORKER_THREAD = 'SharedWorker th'

/** @typedef {{ parent: number, seconds: number }} Account */

/** @typedef {{ at: number, busy: number, processes: Map<number, Account> }} Sample `busy` in seconds of all processors */

/** CPU time of the machine and of each process up to now. */
export function sample() {
  /** @type {Map<number, Account>} */
  const processes = new Map()
  if (!hasAccounts) return { at: performance.now(), busy: 0, processes }
  const busy = busySeconds()
  for (const entry of readdirSync('/proc')) {
    const account = /^\d+$/.test(entry) && accountOf(Number(entry))
    if (account) processes.set(Number(entry), account)
  }
  return { at: performance.now(), busy, processes }
}

function busySeconds() {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n')
  // Stolen time counts: it is not there for what is measured. Guests' time is in user time already.
  const [user, nice, system, , , interrupts, softInterrupts, stolen] = line.split(/\s+/).slice(1).map(Number)
  return (user + nice + system + interrupts + softInterrupts + stolen) / TICKS
}

/** @param {number} id @returns {Account | undefined} nothing for a process that has ended */
function accountOf(id) {
  const text = readIfThere(`/proc/${id}/stat`)
  if (text === '') return undefined
  // The second field is the command's name in parentheses, which may hold anything.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { parent: Number(fields[1]), seconds: (Number(fields[11]) + Number(fields[12])) / TICKS }
}

/** @param {string} path */
function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/**
 * IDs of the processes of the tree with this root.
 *
 * @param {Sample} sample
 * @param {number} rootId
 */
export function processTree({ processes }, rootId) {
  const tree = new Set([rootId])
  // A child can have a lower ID than its parent, so one pass is not enough.
  for (let size = 0; size !== tree.size; ) {
    size = tree.size
    for (const [id, { parent }] of processes) if (tree.has(parent)) tree.add(id)
  }
  return tree
}

/**
 * Seconds of CPU that the tree of processes used between two samples; NaN where it is not known.
 *
 * @param {Sample} before
 * @param {Sample} after
 * @param {number} rootId
 */
export function secondsOf(before, after, rootId) {
  if (!hasAccounts) return Number.NaN
  let sum = 0
  for (const id of processTree(after, rootId)) {
    sum += (after.processes.get(id)?.seconds ?? 0) - (before.processes.get(id)?.seconds ?? 0)
  }
  return sum
}

/**
 * Share of the machine's capacity that went to processes which are not of this run; 0 where it is not known.
 *
 * @param {Sample} before
 * @param {Sample} after
 */
export function foreignShare(before, after) {
  if (!hasAccounts) return 0
  const capacity = ((after.at - before.at) / 1_000) * cpus().length
  const foreign = after.busy - before.busy - secondsOf(before, after, process.pid)
  return Math.max(0, foreign / capacity)
}

/**
 * Seconds of CPU that the threads of all SharedWorkers in this tree have used up to now; NaN where it is not known.
 *
 * @param {number} rootId
 */
export function workerSeconds(rootId) {
  if (!hasAccounts) return Number.NaN
  let nanoseconds = 0
  for (const id of processTree(sample(), rootId)) {
    for (const thread of threadsOf(id)) {
      const folder = `/proc/${id}/task/${thread}`
      if (readIfThere(`${folder}/comm`).trim() !== WORKER_THREAD) continue
      nanoseconds += Number(readIfThere(`${folder}/schedstat`).split(' ')[0])
    }
  }
  return nanoseconds / 1e9
}

/** @param {number} id of a process */
function threadsOf(id) {
  try {
    return readdirSync(`/proc/${id}/task`)
  } catch {
    return []
  }
}

/**
 * Bytes of memory of each process of a tree, where what several processes share is divided among them; empty where it is
 * not known.
 *
 * @param {number} rootId
 * @returns {Map<number, number>} by process ID
 */
export function memoryOf(rootId) {
  const tree = hasAccounts ? [...processTree(sample(), rootId)] : []
  return new Map(
    tree.map((id) => {
      const text = readIfThere(`/proc/${id}/smaps_rollup`)
      const [, kibibytes = '0'] = /^Pss: +(\d+) kB$/m.exec(text) ?? []
      return [id, Number(kibibytes) * 1_024]
    }),
  )
}
