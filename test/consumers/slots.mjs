import { freePort } from '../ports.mjs'
import { run, start } from './processes.mjs'
import { inspect, listen, until } from './tabs.mjs'

const TABS = 3

/** Libraries that take a constructor of EventSource, as the app's page calls them. */
const SLOTS = ['htmx', 'reconnecting-eventsource', 'transmit', 'trpc', 'turbo']

/**
 * Looks at three tabs of each library that takes a SharedEventSource in the place of an EventSource.
 *
 * @param {{ folder: string, path: readonly string[], browser: import('playwright').Browser }} by
 * @returns {Promise<import('./tabs.mjs').Sight>}
 */
export async function lookAtSlots({ folder, path, browser }) {
  await run('vite build', { folder, path })
  const port = await freePort()
  const server = start(`node server.mjs ${port}`, { folder, path })
  const origin = `http://localhost:${port}`
  const counts = async () => (await fetch(`${origin}/counts`)).json()
  /** @type {string[]} */
  const problems = []
  let host = ''
  try {
    await untilAnswer(counts)
    for (const slot of SLOTS) {
      const { begun } = await counts()
      const context = await browser.newContext()
      try {
        const found = await lookAtSlot(
          context,
          `${origin}/?slot=${slot}`,
          async () => (await counts()).latest,
        )
        host = found.host
        const connections = (await counts()).begun - begun
        if (connections !== 1) problems.push(`${slot}: ${connections} connections`)
        if (found.tabs !== TABS) problems.push(`${slot}: the hub knows ${found.tabs} tabs`)
        problems.push(...found.problems.map((problem) => `${slot}: ${problem}`))
      } catch (error) {
        problems.push(`${slot}: ${error}`)
      } finally {
        await context.close()
      }
    }
    return { host, tabs: TABS, connections: 1, problems }
  } finally {
    await server.stop()
  }
}

/** @param {() => Promise<unknown>} ask */
async function untilAnswer(ask) {
  let has = false
  const poll = async () => {
    has = (await ask().catch(() => undefined)) !== undefined
  }
  await until(() => {
    void poll()
    return has
  }, 'the server answers')
}

/**
 * @param {import('playwright').BrowserContext} context
 * @param {string} url
 * @param {() => Promise<number>} latest
 */
async function lookAtSlot(context, url, latest) {
  const consoles = []
  const pages = []
  for (let count = 0; count < TABS; count++) {
    const page = await context.newPage()
    consoles.push(listen(page))
    await page.goto(url)
    pages.push(page)
  }
  const now = await latest()
  for (const page of pages) {
    await page.waitForFunction((now) => Number(document.querySelector('#latest')?.textContent) > now, now)
  }
  const [page] = pages
  const { host = '', tabs = 0 } = page ? await inspect(page) : {}
  return { host, tabs, problems: consoles.flat() }
}
