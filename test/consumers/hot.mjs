import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../ports.mjs'
import { start, tail } from './processes.mjs'
import { startSite } from './site.mjs'
import { listen, untilNews, warmUp } from './tabs.mjs'

/**
 * What a developer saves while the page is open, and what then is in the page.
 *
 * @type {readonly { file: string, from: string, to: string, mark: string }[]}
 */
const EDITS = [
  { file: 'Ticks.jsx', from: '<p>', to: '<p className="edited-react">', mark: '#react .edited-react' },
  { file: 'Ticks.vue', from: '<p>', to: '<p class="edited-vue">', mark: '#vue .edited-vue' },
  {
    file: 'feed.js',
    from: 'export const feed',
    to: "document.documentElement.dataset.edited = 'feed'\n\nexport const feed",
    mark: '[data-edited=feed]',
  },
]

/**
 * One page with React in StrictMode and with Vue, which are one tab and have one connection, also after edits of the components and
 * of the module with the stream.
 *
 * @param {{ folder: string, path: readonly string[], browser: import('playwright').Browser }} by
 * @returns {Promise<import('./tabs.mjs').Sight>}
 */
export async function lookAtHotReload({ folder, path, browser }) {
  const port = await freePort()
  const server = start(`vite --port ${port}`, { folder, path })
  const site = await startSite({ behind: port })
  const context = await browser.newContext()
  try {
    await until(() => answers(site.origin))
    await warmUp(browser, site)
    const before = site.stream.begun()
    const page = await context.newPage()
    const problems = listen(page)
    await page.goto(site.origin)
    await page.evaluate(() => Object.assign(globalThis, { isFirst: true }))
    await untilBoth(page, site)
    const first = await report(page)
    for (const { file, from, to, mark } of EDITS) {
      edit(join(folder, file), from, to)
      await page.waitForSelector(mark, { state: 'attached', timeout: 15_000 })
      await untilBoth(page, site)
      const { hubId, tabs, streams, subscribers } = await report(page)
      const changes = { hubId: hubId !== first.hubId, tabs: tabs !== 1, streams: streams !== 1 }
      for (const [what, isWrong] of Object.entries(changes)) {
        if (isWrong) problems.push(`after an edit of ${file}, ${what} are not as before`)
      }
      if (subscribers > first.subscribers)
        problems.push(`${subscribers} subscribers after ${first.subscribers}: ${file}`)
    }
    if (!(await page.evaluate(() => 'isFirst' in globalThis))) problems.push('the page has been loaded anew')
    const connections = site.stream.begun() - before
    if (connections !== 1 || site.stream.open() !== 1) {
      problems.push(`${connections} connections have begun, and ${site.stream.open()} are open`)
    }
    return { host: first.host, tabs: first.tabs, connections, problems }
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\n${tail(server.output())}`)
  } finally {
    await context.close()
    await server.stop()
    await site.close()
  }
}

/** @param {string} file @param {string} from @param {string} to */
function edit(file, from, to) {
  const text = readFileSync(file, 'utf8')
  if (!text.includes(from)) throw new Error(`${file} does not contain ${from}`)
  writeFileSync(file, text.replace(from, to))
}

/** What shows a tick in the page that comes only now: all of it. @param {import('playwright').Page} page @param {import('./site.mjs').Site} site */
async function untilBoth(page, site) {
  const latest = site.stream.latest()
  await untilNews(page, site)
  await page.waitForFunction(
    (latest) => {
      const shown = [...document.querySelectorAll('#react #latest, #vue #latest')]
      return shown.length === 2 && shown.every(({ textContent }) => Number(textContent) > latest)
    },
    latest,
    { timeout: 15_000 },
  )
}

/** @param {import('playwright').Page} page */
const report = (page) =>
  page.evaluate(async () => {
    const { host, hubId, tabs, streams } = await /** @type {any} */ (globalThis).inspectTabstream()
    return { host, hubId, tabs, streams: streams.length, subscribers: streams[0]?.subscribers ?? 0 }
  })

/** @param {string} url */
const answers = (url) =>
  fetch(url).then(
    ({ status }) => status === 200,
    () => false,
  )

/** @param {() => Promise<boolean>} isTrue */
async function until(isTrue) {
  const end = Date.now() + 60_000
  while (!(await isTrue())) {
    if (Date.now() > end) throw new Error('the server does not answer')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
