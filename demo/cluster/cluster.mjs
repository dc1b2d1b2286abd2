import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Supervised } from './supervised.mjs'

/** @param {string} path */
const locate = (path) => fileURLToPath(new URL(path, import.meta.url))

/**
 * @typedef {object} Cluster
 * @property {string} url of the page
 * @property {string} redisUrl
 * @property {(name: string) => Promise<void>} kill kills one as `kill -9` does; resolves when it has been started again
 * @property {() => Promise<void>} stop
 */

/**
 * Starts Redis, two nodes, nginx in front of them, and a producer.
 *
 * Rejects where the port is taken.
 *
 * @param {object} options
 * @param {number} options.port 0 takes a free one
 * @param {number} [options.rate] events per second
 * @param {number} [options.maxLength] how many events Redis keeps at least
 * @param {number} [options.restartAfter] how long, in ms, a process is away that was killed
 * @returns {Promise<Cluster>}
 */
export async function startCluster({ port, rate = 200, maxLength = 100_000, restartAfter = 1_000 }) {
  const control = createServer((request, response) => answer(request, response))
  const all = await Promise.all([freePort(port), freePort(), freePort(), freePort()])
  const [PORT, NODE_1, NODE_2, REDIS] = all
  const CONTROL = await listen(control)
  const folder = mkdtempSync(join(tmpdir(), 'tabstream-cluster-'))
  const folders = { DIST: locate('../../dist'), PUBLIC: locate('public') }
  writeNginxFolder(folder, { PORT, NODE_1, NODE_2, CONTROL, ...folders })

  const REDIS_URL = `redis://127.0.0.1:${REDIS}`
  /** @param {string} name @param {string} file @param {NodeJS.ProcessEnv} env */
  const script = (name, file, env) =>
    new Supervised(name, process.execPath, {
      args: [locate(file)],
      env: { ...env, NAME: name, REDIS_URL },
      restartAfter,
    })
  const redisArgs = [
    ...['--bind', '127.0.0.1', '--port', String(REDIS), '--dir', folder],
    // What is acknowledged is on the disk.
    ...['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''],
  ]
  // One process alone, so that a kill leaves nothing behind that holds the port.
  const nginxArgs = ['-p', folder, '-c', 'nginx.conf', '-g', 'daemon off; master_process off;']
  const processes = [
    new Supervised('redis', 'redis-server', { args: redisArgs, restartAfter }),
    script('node-1', 'node.mjs', { PORT: String(NODE_1) }),
    script('node-2', 'node.mjs', { PORT: String(NODE_2) }),
    new Supervised('nginx', 'nginx', { args: nginxArgs, restartAfter }),
    script('producer', 'producer.mjs', { RATE: String(rate), MAX_LENGTH: String(maxLength) }),
  ]

  /** @param {string} name */
  const kill = async (name) => processes.find((process) => process.name === name)?.kill()
  const report = () => processes.map(({ name, isUp }) => ({ name, isUp }))

  /** The page's way to this process. @type {import('node:http').RequestListener} */
  function answer({ method, url = '', headers }, response) {
    // No page of another site may kill.
    if (method === 'POST' && headers['sec-fetch-site'] === 'same-origin') {
      void kill(new URL(url, 'http://control').searchParams.get('kill') ?? '')
    }
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    response.end(JSON.stringify(report()))
  }

  async function stop() {
    control.close()
    for (const process of processes.toReversed()) await process.stop()
    rmSync(folder, { recursive: true })
  }

  const url = `http://127.0.0.1:${PORT}`
  await reachable(`${url}/events`)
  return { url, redisUrl: REDIS_URL, kill, stop }
}

/** @param {string} folder @param {Record<string, string | number>} values */
function writeNginxFolder(folder, values) {
  const template = readFileSync(locate('nginx.conf'), 'utf8')
  const config = template.replace(/\$\{([A-Z_0-9]+)\}/g, (_, name) => String(values[name]))
  writeFileSync(join(folder, 'nginx.conf'), config)
  mkdirSync(join(folder, 'temp'))
}

/** @param {import('node:http').Server} server @param {number} [port] @returns {Promise<number>} */
const listen = (server, port = 0) =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })

/** A port that nobody listens to. Rejects where that is not so of the port that is wanted. @param {number} [wanted] */
async function freePort(wanted) {
  const server = createServer()
  const port = await listen(server, wanted)
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Resolves when this URL answers. @param {string} url */
async function reachable(url) {
  for (;;) {
    try {
      const response = await fetch(url)
      await response.body?.cancel()
      if (response.ok) return
    } catch {
      // Nobody listens yet.
    }
    await setTimeout(50)
  }
}
