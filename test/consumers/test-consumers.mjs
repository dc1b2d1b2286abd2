import { createServer } from 'node:net'
import { findChromium } from '../../.ci/prepare.mjs'
import { CHROMIUM_FLAGS } from '../browser/chromium-flags.mjs'
import { freePort } from '../ports.mjs'
import { layOut, NotInstalled, nodeOf, pack, versionOf } from './apps.mjs'
import { CONSUMERS } from './consumers.mjs'
import { run, start, tail } from './processes.mjs'
import { startSite } from './site.mjs'
import { tableOf } from './table.mjs'
import { lookAtTabs, warmUp } from './tabs.mjs'

/** @typedef {import('./consumers.mjs').Consumer} Consumer */
/** @typedef {import('./consumers.mjs').Mode} Mode */
/** @typedef {{ tarball: string, folder: string }} Package */

/**
 * Installs the package in apps of many tools and looks at three tabs of each.
 *
 * @param {readonly string[]} args names of consumers, or `--quick`
 * @returns {Promise<import('../parts.mjs').Counts>}
 */
export async function testConsumers(args) {
  const consumers = chosenBy(args)
  const made = await pack()
  // Only now, because this file is imported before anything is installed.
  const { chromium } = await import('playwright')
  const browser = await chromium.launch({ executablePath: await findChromium(), args: CHROMIUM_FLAGS })
  const rows = []
  try {
    for (const consumer of consumers) rows.push(...(await rowsOf(consumer, made, browser)))
  } finally {
    await browser.close()
  }
  console.log(`\n${tableOf(rows)}`)
  for (const { name, mode, result, problems } of rows) {
    if (problems.length > 0) console.log(`\n${name}, ${mode}: ${result}\n${problems.join('\n')}`)
  }
  const count = (/** @type {string} */ wanted) => rows.filter(({ result }) => result === wanted).length
  const offline = count(OFFLINE)
  if (offline > 0) {
    console.log(
      `\n${offline} CONSUMERS COULD NOT RUN: npm's registry cannot be reached from here. They count as skipped.`,
    )
  }
  const passed = count('passed')
  const failed = rows.length - passed - offline - count('installed')
  return { passed, failed, skipped: offline }
}

const OFFLINE = 'offline'

/** @param {readonly string[]} args */
function chosenBy(args) {
  const names = args.filter((arg) => !arg.startsWith('--'))
  const unknown = names.filter((name) => CONSUMERS.every((one) => one.name !== name))
  if (unknown.length > 0) {
    const known = CONSUMERS.map(({ name }) => name).join(', ')
    throw new Error(`No such consumer: ${unknown.join(', ')}. There are ${known}.`)
  }
  if (names.length > 0) return CONSUMERS.filter(({ name }) => names.includes(name))
  return args.includes('--quick') ? CONSUMERS.filter(({ isQuick }) => isQuick) : CONSUMERS
}

/**
 * @param {Consumer} consumer
 * @param {Package} made
 * @param {import('playwright').Browser} browser
 */
async function rowsOf(consumer, made, browser) {
  const { name, tool, from = [name], node, modes } = consumer
  const rows = []
  let begun = performance.now()
  const row = (/** @type {Partial<import('./table.mjs').Row>} */ facts) => {
    const seconds = (performance.now() - begun) / 1_000
    begun = performance.now()
    const whole = {
      name,
      version: '',
      mode: 'all',
      host: '',
      tabs: '',
      connections: '',
      sockets: '',
      problems: [],
      ...facts,
      seconds,
    }
    const result = facts.result ?? (whole.problems.length === 0 ? 'passed' : 'FAILED')
    rows.push({ ...whole, result })
    console.log(`${name}, ${whole.mode}: ${result} (${seconds.toFixed(1)} s)`)
  }
  try {
    const path = node === undefined ? [] : [await nodeOf(node)]
    const folder = await layOut(name, from, made.tarball, path)
    const version = tool === undefined ? browser.version() : versionOf(folder, tool)
    row({ version, mode: 'install', result: 'installed' })
    for (const mode of modes) {
      const facts = await look(mode, { folder, path, made, browser }).catch((error) => ({
        problems: [String(error?.stack ?? error)],
      }))
      row({ version, mode: mode.name, ...facts })
    }
  } catch (error) {
    const problems = [error instanceof Error ? error.message : String(error)]
    const isOffline = error instanceof NotInstalled && error.isOffline
    row({ problems, result: isOffline ? OFFLINE : 'COULD NOT RUN' })
  }
  return rows
}

/**
 * @param {Mode} mode
 * @param {{ folder: string, path: readonly string[], made: Package, browser: import('playwright').Browser }} by
 */
async function look(mode, { folder, path, made, browser }) {
  if (mode.run) return mode.run({ folder, path, made, browser })
  if (!mode.isRendered) return lookAtApp(mode, { folder, path, made, browser })
  const spy = await listenForServers()
  try {
    const sight = await lookAtApp(mode, { folder, path, made, browser })
    if (spy.count() > 0) sight.problems.push(`a server that renders has connected ${spy.count()} times`)
    return sight
  } finally {
    spy.close()
  }
}

/** Where the feed of a server that renders would be: nothing may connect. */
async function listenForServers() {
  let count = 0
  const server = createServer((socket) => {
    count++
    socket.destroy()
  })
  await new Promise((resolve, reject) =>
    server.once('error', reject).listen(25871, '127.0.0.1', () => resolve(undefined)),
  )
  return { count: () => count, close: () => server.close() }
}

/**
 * @param {Mode} mode
 * @param {{ folder: string, path: readonly string[], made: Package, browser: import('playwright').Browser }} by
 */
async function lookAtApp(mode, { folder, path, made, browser }) {
  const { build, serve, ...page } = mode
  if (build) await run(build, { folder, path })
  if (!serve) {
    const folders = mode.folders?.({ folder, made }) ?? []
    const cdn = mode.onCdn && (await startSite({ folders: mode.onCdn({ folder, made }), isCdn: true }))
    const site = await startSite({ ...mode.site, folders, ...(cdn && { cdn: cdn.origin }) })
    try {
      return await lookAtTabs(browser, site, page)
    } finally {
      await site.close()
      await cdn?.close()
    }
  }
  const port = await freePort()
  const server = start(serve(port), { folder, path, env: { PORT: String(port), HOST: '127.0.0.1' } })
  const site = await startSite({ behind: port })
  try {
    await untilItAnswers(site.origin, server)
    if (!build) await warmUp(browser, site)
    const sight = await lookAtTabs(browser, site, page)
    if (sight.problems.length > 0) sight.problems.push(`the server has printed:\n${tail(server.output())}`)
    return sight
  } catch (error) {
    throw new Error(
      `${error instanceof Error ? error.message : error}\nThe server has printed:\n${tail(server.output())}`,
    )
  } finally {
    await server.stop()
    await site.close()
  }
}

/** @param {string} url @param {import('./processes.mjs').Running} server */
async function untilItAnswers(url, server) {
  const end = Date.now() + 120_000
  while (!server.hasEnded && Date.now() < end) {
    const answer = await fetch(url, {
      headers: { accept: 'text/html' },
      signal: AbortSignal.timeout(60_000),
    }).catch(() => undefined)
    if (answer !== undefined && answer.status !== 502) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('the server does not answer')
}
