import { chromium } from 'playwright'
import { CHROMIUM_FLAGS } from '../browser/chromium-flags.mjs'
import { processTree, sample } from './machine.mjs'

/** How long the processes of closed tabs may take to end, in ms. */
const ENDING = 3_000
/** Tabs that are opened at the same time. */
const AT_ONCE = 4

/** One Chromium, in which each measurement has a profile of its own. */
export class Chromium {
  /** @type {import('playwright').Browser} */
  browser
  /** @type {import('playwright').CDPSession} */
  session
  /** Process ID of the browser, the root of all its processes. */
  processId = 0
  version = ''

  /** @param {string} executablePath */
  static async launch(executablePath) {
    const made = new Chromium()
    made.browser = await chromium.launch({ executablePath, args: CHROMIUM_FLAGS })
    made.version = made.browser.version()
    made.session = await made.browser.newBrowserCDPSession()
    const { processInfo } = await made.session.send('SystemInfo.getProcessInfo')
    made.processId = processInfo.find(({ type }) => type === 'browser')?.id ?? 0
    return made
  }

  /**
   * Gives a fresh profile to `work`, and closes it with all its tabs.
   *
   * @template Result
   * @param {(context: import('playwright').BrowserContext) => Promise<Result>} work
   * @returns {Promise<Result>}
   */
  async withProfile(work) {
    const before = processTree(sample(), this.processId)
    const context = await this.browser.newContext()
    try {
      return await work(context)
    } finally {
      await context.close()
      await this.#settle(before)
    }
  }

  close() {
    return this.browser.close()
  }

  /** What closed tabs still do must not be counted as what the next ones do. */
  async #settle(before) {
    const patience = Date.now() + ENDING
    // Chromium keeps one process in reserve for the next tab.
    const extra = () => [...processTree(sample(), this.processId)].filter((id) => !before.has(id)).length
    while (extra() > 1 && Date.now() < patience) await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/**
 * Opens tabs and resolves when their scripts have run.
 *
 * @param {import('playwright').BrowserContext} context
 * @param {string} url
 * @param {number} count
 */
export async function openTabs(context, url, count) {
  // The first one by itself: what it loads is in the cache for the others.
  const tabs = [await openTab(context, url)]
  while (tabs.length < count) {
    const together = Math.min(AT_ONCE, count - tabs.length)
    tabs.push(...(await Promise.all(Array.from({ length: together }, () => openTab(context, url)))))
  }
  return tabs
}

/** @param {import('playwright').BrowserContext} context @param {string} url */
export async function openTab(context, url) {
  const tab = await context.newPage()
  tab.on('pageerror', (error) => console.error(`page: ${error.stack}`))
  await tab.goto(url)
  if (!url.endsWith('/blank.html')) await tab.waitForFunction(() => globalThis.bench !== undefined)
  return tab
}
