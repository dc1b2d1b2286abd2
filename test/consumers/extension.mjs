import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { findChromium } from '../../.ci/prepare.mjs'
import { CHROMIUM_FLAGS } from '../browser/chromium-flags.mjs'
import { startSite } from './site.mjs'
import { until } from './tabs.mjs'

/**
 * Looks at the service worker of an extension, which takes the place of tabs.
 *
 * @param {{ folder: string, made: { folder: string } }} by
 * @returns {Promise<import('./tabs.mjs').Sight>}
 */
export async function lookAtExtension({ folder, made }) {
  cpSync(join(made.folder, 'tabstream'), join(folder, 'tabstream'), { recursive: true })
  const profile = join(folder, 'profile')
  rmSync(profile, { recursive: true, force: true })
  const site = await startSite({})
  const { chromium } = await import('playwright')
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: await findChromium(),
    ignoreDefaultArgs: ['--disable-extensions'],
    args: [
      ...CHROMIUM_FLAGS,
      '--headless=new',
      `--disable-extensions-except=${folder}`,
      `--load-extension=${folder}`,
    ],
  })
  /** @type {string[]} */
  const problems = []
  try {
    const worker =
      context.serviceWorkers()[0] ?? (await context.waitForEvent('serviceworker', { timeout: 15_000 }))
    worker.on('console', (message) => {
      if (['warning', 'error'].includes(message.type())) problems.push(`console: ${message.text()}`)
    })
    await worker.evaluate((url) => /** @type {any} */ (globalThis).listenTo(url), `${site.origin}/events`)
    const latest = () => worker.evaluate(() => /** @type {any} */ (globalThis).latest)
    let seen = 0
    const timer = setInterval(async () => {
      seen = Number(await latest().catch(() => seen)) || 0
    }, 100)
    await until(() => seen > 5, 'the service worker has events').finally(() => clearInterval(timer))
    const { host, tabs } = await worker.evaluate(() => /** @type {any} */ (globalThis).inspectTabstream())
    if (host !== 'leader') problems.push(`it has the host ${host}`)
    const connections = site.stream.begun()
    if (connections !== 1) problems.push(`${connections} connections have begun`)
    return { host, tabs, connections, problems }
  } finally {
    await context.close()
    await site.close()
  }
}
