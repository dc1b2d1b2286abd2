import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { Browser, Page } from 'playwright'
import { afterAll, beforeAll, expect, onTestFailed, onTestFinished, test } from 'vitest'
// @ts-expect-error: a script that is checked with the demo
import { startCluster } from '../../demo/cluster/cluster.mjs'
// @ts-expect-error: a script that is checked with the demo
import { missingPackages } from '../../demo/cluster/needed.mjs'
import { launchChromium } from '../browser/browser.ts'
import { within } from '../browser/until.ts'
import { freePort } from '../ports.mjs'
import { examineNumbers, type NumberFindings, rowOf, tableOf } from './numbers.ts'

// demo/cluster, whose processes are killed while six tabs listen. TABSTREAM_ENDURANCE says for how many minutes, with a kill every 20 s.

const CLUSTER = join(import.meta.dirname, '../../demo/cluster')
const TABS = 6
const MINUTES = Number(process.env.TABSTREAM_ENDURANCE ?? 0)
const PERIOD = 20_000

const missing: string[] = missingPackages()
const why = missing.length === 0 ? '' : ` (missing: ${missing.join(', ')})`

interface Cluster {
  url: string
  redisUrl: string
  kill(name: string): Promise<void>
  stop(): Promise<void>
}

declare global {
  // They live in the page.
  var heardNumbers: { numbers: number[]; gapsAt: number[]; longestPause: number; opened: number }
  /** Resolves when this number has come, or a later one. */
  var reachNumber: (number: number) => Promise<void>
}

let browser: Browser

beforeAll(async () => {
  if (missing.length === 0) browser = await launchChromium()
})
afterAll(() => browser?.close())

/** A cluster, and tabs of one profile that show its page. */
async function stage(options: { rate?: number; maxLength?: number; restartAfter?: number } = {}) {
  const cluster: Cluster = await startCluster({ port: 0, ...options })
  onTestFinished(() => cluster.stop())
  const context = await browser.newContext()
  const problems: string[] = []
  onTestFailed(() => console.error(problems))
  onTestFinished(async () => {
    await context.close()
    expect(problems).toEqual([])
  })
  const tabs: Page[] = []
  for (let index = 0; index < TABS; index++) {
    const page = await context.newPage()
    page.on('pageerror', (error) => problems.push(String(error)))
    await page.goto(cluster.url)
    await listen(page)
    tabs.push(page)
  }
  return { cluster, tabs }
}

/** Keeps what comes, beside the page that shows it. */
async function listen(page: Page): Promise<void> {
  const content = "import * as tabstream from 'tabstream'; globalThis.tabstream = tabstream"
  await page.addScriptTag({ type: 'module', content })
  await page.waitForFunction(() => 'tabstream' in globalThis)
  await page.evaluate(async () => {
    globalThis.heardNumbers = { numbers: [], gapsAt: [], longestPause: 0, opened: 0 }
    const { numbers, gapsAt } = heardNumbers
    const waiting: { number: number; resolve(): void }[] = []
    let before = 0
    const stream = tabstream.connect('/events')
    stream.on('message', ({ data }) => {
      const { number } = JSON.parse(data)
      numbers.push(number)
      if (before > 0)
        heardNumbers.longestPause = Math.max(heardNumbers.longestPause, performance.now() - before)
      before = performance.now()
      while (waiting[0] && waiting[0].number <= number) waiting.shift()?.resolve()
    })
    stream.onGap(() => gapsAt.push(numbers.length))
    stream.onStatus(({ state }) => {
      if (state === 'open') heardNumbers.opened++
    })
    globalThis.reachNumber = (number) =>
      new Promise((resolve) => {
        if ((numbers.at(-1) ?? 0) >= number) resolve()
        else waiting.push({ number, resolve })
      })
    await reachNumber(1)
  })
}

const allReach = (tabs: readonly Page[], number: number) =>
  Promise.all(
    tabs.map((page, index) =>
      within(
        page.evaluate((number) => reachNumber(number), number),
        () => `the number ${number} in tab ${index + 1}`,
      ),
    ),
  )

const findingsOf = (tabs: readonly Page[], last: number): Promise<NumberFindings[]> =>
  Promise.all(
    tabs.map(async (page) => {
      const { numbers, gapsAt, longestPause } = await page.evaluate(() => heardNumbers)
      return { ...examineNumbers(numbers, gapsAt, last), longestPause }
    }),
  )

/** Which node serves the connection of all tabs. */
async function servingNode([page]: readonly Page[]): Promise<string> {
  const cookies = (await page?.context().cookies()) ?? []
  return cookies.find(({ name }) => name === 'served-by')?.value ?? ''
}

const other = (node: string) => (node === 'node-1' ? 'node-2' : 'node-1')

/** What is killed, in turn. */
const VICTIMS: readonly { name: string; processes(serving: string): string[] }[] = [
  { name: 'the node that serves', processes: (serving) => [serving] },
  { name: 'Redis', processes: () => ['redis'] },
  { name: 'nginx', processes: () => ['nginx'] },
  { name: 'the other node', processes: (serving) => [other(serving)] },
  { name: 'Redis and nginx', processes: () => ['redis', 'nginx'] },
  { name: 'both nodes', processes: () => ['node-1', 'node-2'] },
]

/** Resolves when the number of the newest event that Redis has is known. */
async function newestNumber(redis: Redis): Promise<number> {
  const [newest] = await redis.xrevrange('{tabstream}:events', '+', '-', 'COUNT', 1)
  return numberOf(newest?.[1] ?? [])
}

const numberOf = (fields: readonly string[]): number => JSON.parse(fields.at(-1) ?? '').number

/** All numbers that Redis has, in its order. */
async function keptNumbers(redis: Redis): Promise<number[]> {
  const entries = await redis.xrange('{tabstream}:events', '-', '+')
  return entries.filter(([, [field]]) => field === 'topic').map(([, fields]) => numberOf(fields))
}

function connectRedis({ redisUrl }: Cluster): Redis {
  const redis = new Redis(redisUrl, { retryStrategy: () => 50, maxRetriesPerRequest: null })
  redis.on('error', () => {})
  onTestFinished(() => redis.disconnect())
  return redis
}

const limit = MINUTES > 0 ? (MINUTES + 3) * 60_000 : 240_000

/** For states of processes, which can only be asked for. */
const POLL = { timeout: 60_000 }

test.skipIf(why !== '')(
  `six tabs of a cluster whose processes are killed get each event once, in order${why}`,
  { timeout: limit },
  async ({ task }) => {
    // Enough history for the whole run, so that Redis can be asked for all of it.
    const { cluster, tabs } = await stage({ maxLength: 1_000_000 })
    const redis = connectRedis(cluster)
    const kills: Record<string, number> = {}
    const end = performance.now() + MINUTES * 60_000
    for (let round = 0; round < VICTIMS.length || performance.now() < end - PERIOD; round++) {
      const began = performance.now()
      const victim = VICTIMS[round % VICTIMS.length] as (typeof VICTIMS)[number]
      await Promise.all(victim.processes(await servingNode(tabs)).map(cluster.kill))
      kills[victim.name] = (kills[victim.name] ?? 0) + 1
      // Redis is asked by a connection that it has lost: it answers when it has read its file.
      await allReach(tabs, (await newestNumber(redis)) + 200)
      if (MINUTES > 0) await setTimeout(Math.max(0, PERIOD - (performance.now() - began)))
    }
    const last = await newestNumber(redis)
    await allReach(tabs, last)

    const kept = (await keptNumbers(redis)).filter((number) => number <= last)
    const findings = await findingsOf(tabs, last)
    const connections = await Promise.all(tabs.map((page) => page.evaluate(() => heardNumbers.opened)))
    console.log(tableOf({ sent: last, kept: examineNumbers(kept, [], last, 1), findings, kills }))
    Object.assign(task.meta, { row: rowOf(last, findings, '0') })

    expect(kept).toEqual(Array.from({ length: last }, (_, index) => index + 1))
    const nothing = { lost: 0, told: 0, doubled: 0, outOfOrder: 0, gaps: 0 }
    for (const finding of findings) expect(finding).toMatchObject(nothing)
    // The page has counted the same.
    for (const page of tabs) {
      for (const id of ['lost', 'doubled', 'out-of-order', 'gaps'])
        expect([id, await page.locator(`#${id}`).textContent()]).toEqual([id, '0'])
    }
    // One connection for all, which has been lost again and again.
    expect(Math.min(...connections)).toBeGreaterThanOrEqual(4)
    expect(new Set(connections).size).toBe(1)
  },
)

test.skipIf(why !== '')(
  `where an outage is longer than the history, each tab is told of a gap, and nothing is lost in silence${why}`,
  { timeout: 180_000 },
  async ({ task }) => {
    // A node holds 1,000 events in memory beside what Redis keeps.
    const { cluster, tabs } = await stage({ rate: 500, maxLength: 1_000, restartAfter: 6_000 })
    const redis = connectRedis(cluster)
    const before = await newestNumber(redis)
    await cluster.kill('nginx')
    await expect.poll(() => newestNumber(redis), POLL).toBeGreaterThan(before + 2_500)
    await allReach(tabs, (await newestNumber(redis)) + 200)
    const last = await newestNumber(redis)
    await allReach(tabs, last)
    const findings = await findingsOf(tabs, last)
    Object.assign(task.meta, { row: rowOf(last, findings, '1 or more') })
    for (const [index, { lost, told, doubled, outOfOrder, gaps }] of findings.entries()) {
      const lostAt = lost > 0 ? await tabs[index]?.evaluate(() => heardNumbers) : undefined
      expect({ lost, doubled, outOfOrder }, JSON.stringify(lostAt)).toEqual({
        lost: 0,
        doubled: 0,
        outOfOrder: 0,
      })
      expect(told).toBeGreaterThan(0)
      expect(gaps).toBeGreaterThan(0)
      const [page] = tabs.slice(index)
      await expect.poll(() => page?.locator('#gaps').textContent(), POLL).toBe(String(gaps))
      expect(await page?.locator('#lost').textContent()).toBe('0')
    }
  },
)

test.skipIf(why !== '')(
  `the command starts anew what is killed from the page, and takes everything along when it is interrupted${why}`,
  { timeout: 300_000 },
  async () => {
    const port = await freePort()
    const child = spawn(process.execPath, [join(CLUSTER, 'run.mjs')], {
      env: { ...process.env, PORT: String(port) },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void child.kill('SIGINT'))
    const url = await urlIn(child)
    const before = childrenOf(child)
    expect(before).toHaveLength(5)
    const page = await (await browser.newContext()).newPage()
    await page.goto(url)
    for (const name of ['redis', 'node-1', 'node-2', 'nginx']) {
      const there = childrenOf(child)
      await page.getByRole('button', { name: `Kill ${name}` }).click()
      // One has taken the place of another.
      await expect.poll(() => childrenOf(child).filter((id) => there.includes(id)).length, POLL).toBe(4)
      await expect.poll(() => childrenOf(child).length, POLL).toBe(5)
    }
    await expect.poll(() => page.locator('#state').textContent(), POLL).toBe('open')
    const after = childrenOf(child)
    expect(after.filter((id) => before.includes(id))).toHaveLength(1)
    // A page of another site.
    const stolen = await fetch(`${url}/processes?kill=nginx`, { method: 'POST' })
    expect(await stolen.json()).toContainEqual({ name: 'nginx', isUp: true })
    expect(childrenOf(child)).toEqual(after)
    await page.context().close()

    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGINT')
    expect(await ended).toBe(0)
    expect(after.filter(isAlive)).toEqual([])
  },
)

test('npm run cluster says what to install where Redis and nginx are missing', async () => {
  const child = spawn(process.execPath, [join(CLUSTER, 'start.mjs')], {
    env: { PATH: '/nowhere', TABSTREAM_INSTALL: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  child.stdout.on('data', (text) => {
    said += text
  })
  child.stderr.on('data', (text) => {
    said += text
  })
  expect(await new Promise((resolve) => child.once('close', resolve))).toBe(1)
  expect(said).toContain('apt-get install --no-install-recommends redis-server nginx-light')
  expect(said).toContain('THE CLUSTER CANNOT START')
})

const urlIn = (child: ChildProcess): Promise<string> =>
  within(
    new Promise((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`ended with ${code}`)))
      let said = ''
      child.stdout?.on('data', (text: Buffer) => {
        said += text
        const [url] = /http:\/\/[\d.:]+/.exec(said) ?? []
        if (url !== undefined) resolve(url)
      })
    }),
    () => 'the URL of the cluster',
  )

/** IDs of its processes. */
function childrenOf({ pid }: ChildProcess): number[] {
  const list = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return list.trim().split(' ').filter(Boolean).map(Number)
}

function isAlive(id: number): boolean {
  try {
    process.kill(id, 0)
    return true
  } catch {
    return false
  }
}
