import os from 'node:os'
import si from 'systeminformation'

// `df` is a process of its own on most systems, and a disk fills slowly.
const FILE_SYSTEM_EVERY = 15_000
const BUSIEST = 8

/** @param {string} name */
const isLoopback = (name) => /^lo\d*$|loopback/i.test(name)

/** @param {number} value */
const oneDecimal = (value) => Math.round(value * 10) / 10

/** @template T @param {T[]} items @param {(item: T) => number | null} read */
const sum = (items, read) => items.reduce((total, item) => total + (read(item) ?? 0), 0)

const cpu = async () => {
  const load = await si.currentLoad()
  return { total: oneDecimal(load.currentLoad), cores: load.cpus.map((core) => oneDecimal(core.load)) }
}

const memory = async () => {
  const { total, active, available, buffcache, swaptotal, swapused } = await si.mem()
  return { total, used: active, cache: Math.min(buffcache, total - active), available, swaptotal, swapused }
}

const network = async () => {
  const all = await si.networkStats('*')
  const outside = all.filter(({ iface }) => !isLoopback(iface))
  const inside = all.filter(({ iface }) => isLoopback(iface))
  return {
    interfaces: outside.map(({ iface }) => iface),
    received: sum(outside, (each) => each.rx_sec),
    sent: sum(outside, (each) => each.tx_sec),
    loopback: sum(inside, (each) => each.rx_sec),
  }
}

/** @type {{ mount: string, size: number, used: number } | undefined} */
let fileSystem
let fileSystemAt = 0

const refreshFileSystem = async () => {
  if (Date.now() - fileSystemAt < FILE_SYSTEM_EVERY) return
  fileSystemAt = Date.now()
  const all = (await si.fsSize()) ?? []
  const [largest] = all.sort((one, other) => other.size - one.size)
  fileSystem = largest && { mount: largest.mount, size: largest.size, used: largest.used }
}

const disk = async () => {
  await refreshFileSystem()
  // Null in many containers and on Windows, whatever the types say.
  const rates = /** @type {Partial<si.Systeminformation.FsStatsData> | null} */ (await si.fsStats())
  return { read: rates?.rx_sec ?? null, written: rates?.wx_sec ?? null, fileSystem }
}

const load = async () => {
  const [one = 0, five = 0, fifteen = 0] = os.loadavg()
  return { one, five, fifteen, uptime: os.uptime(), cores: os.cpus().length, host: os.hostname() }
}

const processes = async () => {
  const { all, list } = await si.processes()
  const busiest = list
    // The `ps` behind this very figure would often lead the table.
    .filter(({ parentPid }) => parentPid !== process.pid)
    .sort((one, other) => other.cpu - one.cpu || other.mem - one.mem)
    .slice(0, BUSIEST)
  const figures = busiest.map(({ name, pid, cpu, mem }) => {
    return { name, pid, cpu: oneDecimal(cpu), memory: oneDecimal(mem) }
  })
  return { all, list: figures }
}

/** What this machine can tell about itself, by the name of the event that carries it. */
export const samplers = {
  cpu: { every: 1000, sample: cpu },
  memory: { every: 1000, sample: memory },
  network: { every: 1000, sample: network },
  disk: { every: 1000, sample: disk },
  load: { every: 2000, sample: load },
  processes: { every: 2000, sample: processes },
}
