/** @typedef {import('./site.mjs').Site} Site */

const TIMEOUT = 30_000

/**
 * What three tabs of an app show.
 *
 * @typedef {object} Sight
 * @property {string} host as `inspect()` says
 * @property {number} tabs as `inspect()` says
 * @property {number} connections that the server has seen
 * @property {number} [sockets] WebSockets that the server has seen, where the app has one
 * @property {string[]} problems
 */

/**
 * Opens the app once and closes it again. A development server compiles what is asked for, and may load the page anew when it has
 * found another dependency.
 *
 * @param {import('playwright').Browser} browser
 * @param {Site} site
 */
export async function warmUp(browser, site) {
  const context = await browser.newContext()
  const page = await context.newPage()
  await page.goto(site.origin, { timeout: 120_000 })
  await untilNews(page, site, 60_000)
  await page.waitForTimeout(1_000)
  await context.close()
  await until(() => site.stream.open() === 0, 'the connection of a closed page ends')
}

/**
 * Opens three tabs, and looks at what they have got.
 *
 * @param {import('playwright').Browser} browser
 * @param {Site} site
 * @param {Expected} expected
 * @returns {Promise<Sight>}
 */
export async function lookAtTabs(browser, site, expected) {
  const rendering = expected.isRendered ? await lookAtHtml(site) : []
  const sight = await lookAtThree(browser, site, expected)
  sight.problems.push(...rendering)
  if (expected.takesHost) sight.problems.push(...(await lookAtLeader(browser, site, expected)))
  return sight
}

/**
 * @typedef {object} Expected
 * @property {string} host
 * @property {RegExp} [warning] what each tab's console has to say, once
 * @property {boolean} [takesHost] the app's page takes a host from its query. A leader needs another file of the package
 * @property {boolean} [isRendered] the page is rendered on a server
 * @property {boolean} [hasNoSocket] the app opens no WebSocket
 * @property {(pages: import('playwright').Page[], site: Site) => Promise<void>} [also] looks at more
 */

/** How long a tab may wait for its first event. */
const PATIENCE = 10_000

/** @param {import('playwright').Browser} browser @param {Site} site @param {Expected} expected @returns {Promise<Sight>} */
async function lookAtThree(browser, site, { host, warning, also, hasNoSocket }) {
  const before = site.stream.begun()
  const context = await browser.newContext()
  /** @type {string[]} */
  const problems = []
  /** @type {string[][]} */
  const consoles = []
  /** @type {import('playwright').Page[]} */
  const pages = []
  /** @type {Promise<number>[]} */
  const waits = []
  try {
    for (let count = 0; count < 3; count++) {
      const page = await context.newPage()
      pages.push(page)
      consoles.push(listen(page))
      await page.goto(site.origin, { timeout: TIMEOUT })
      waits.push(untilNews(page, site))
      // The first one has the hub when the others come. These come together.
      if (count === 0) await waits[0]
    }
    const longest = Math.max(...(await Promise.all(waits)))
    if (longest > PATIENCE) problems.push(`a tab has waited ${longest} ms for its first event`)
    await Promise.all(pages.map((page) => untilNews(page, site)))
    await also?.(pages, site)
    const reports = await Promise.all(pages.map(inspect))
    const [first] = reports
    if (new Set(reports.map(({ hubId }) => hubId)).size > 1) problems.push('the tabs have several hubs')
    for (const { host: found, refused } of reports) {
      if (found !== host) problems.push(`a tab has the host ${found}: ${JSON.stringify(refused)}`)
    }
    const tabs = first?.tabs ?? 0
    if (tabs !== 3) problems.push(`the hub knows ${tabs} tabs`)
    const connections = site.stream.begun() - before
    if (connections !== 1 || site.stream.open() !== 1) {
      problems.push(`${connections} connections have begun, and ${site.stream.open()} are open`)
    }
    const sockets = hasNoSocket ? {} : { sockets: await lookAtSockets(pages, site, problems) }
    for (const lines of consoles) {
      const own = lines.filter((line) => warning?.test(line))
      if (warning !== undefined && own.length !== 1) problems.push(`no console line, or several: ${warning}`)
      problems.push(...lines.filter((line) => !own.includes(line)).map((line) => `console: ${line}`))
    }
    return { host: first?.host ?? '', tabs, connections, ...sockets, problems: [...new Set(problems)] }
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error))
    problems.push(...consoles.flat().map((line) => `console: ${line}`))
    return { host: '', tabs: pages.length, connections: site.stream.begun() - before, problems }
  } finally {
    await context.close()
    await until(
      () => site.stream.open() === 0 && site.sockets.open() === 0,
      'the connections of closed pages end',
    ).catch(() => {})
  }
}

/**
 * Has tabs open the same WebSocket, by one connection.
 *
 * @param {import('playwright').Page[]} pages
 * @param {Site} site
 * @param {string[]} problems
 * @returns {Promise<number>} how many the server has seen
 */
async function lookAtSockets(pages, site, problems) {
  const before = site.sockets.begun()
  const failures = await Promise.all(pages.map((page) => page.evaluate(untilMessage, PATIENCE)))
  for (const failure of failures)
    if (failure !== '') problems.push(`a tab's WebSocket has no message: ${failure}`)
  const begun = site.sockets.begun() - before
  if (begun !== 1 || site.sockets.open() !== 1)
    problems.push(`${begun} WebSockets have been opened, and ${site.sockets.open()} are open`)
  return begun
}

/**
 * Has tabs open streams by sources of which each has a file of its own, which the tool has to place.
 *
 * @param {readonly import('playwright').Page[]} pages
 */
export async function lookAtSources(pages) {
  const failures = (await Promise.all(pages.map((page) => page.evaluate(untilOthers, PATIENCE)))).flat()
  if (failures.length > 0) throw new Error(`a tab has no events by another source: ${failures.join('; ')}`)
}

/** Runs in the page. @param {number} patience @returns {Promise<string[]>} why some have none */
const untilOthers = async (patience) => {
  /** @type {any[]} */
  const streams = /** @type {any} */ (globalThis).openOthers()
  const reasons = await Promise.all(
    streams.map((stream) => {
      const late = new Promise((resolve) => {
        setTimeout(() => resolve(`${stream.status.state}, ${stream.status.error?.message}`), patience)
      })
      const come = new Promise((resolve) => {
        stream.on('orders', () => resolve(''))
      })
      return Promise.race([come, late])
    }),
  )
  return reasons.filter((reason) => reason !== '')
}

/** Runs in the page. @param {number} patience @returns {Promise<string>} why it has none */
const untilMessage = (patience) =>
  new Promise((resolve) => {
    const socket = /** @type {any} */ (globalThis).openSocket()
    socket.on('message', () => resolve(''))
    setTimeout(() => {
      const { state, error } = socket.status
      resolve(`${state}, ${error?.message}`)
    }, patience)
  })

/** What is rendered on a server is the initial state. @param {Site} site */
async function lookAtHtml({ origin }) {
  const html = (await (await fetch(origin, { headers: { accept: 'text/html' } })).text()).replace(
    /<!--.*?-->/gs,
    '',
  )
  return Object.entries({ latest: '0', status: 'idle' })
    .filter(([id, text]) => !new RegExp(`id="?${id}"?[^>]*>${text}<`).test(html))
    .map(([id, text]) => `the HTML does not say ${text} in #${id}:\n${html.slice(0, 2_000)}`)
}

/** @param {import('playwright').Browser} browser @param {Site} site @param {Expected} expected */
async function lookAtLeader(browser, site, { hasNoSocket }) {
  const context = await browser.newContext()
  const page = await context.newPage()
  const problems = listen(page)
  try {
    await page.goto(`${site.origin}/?host=leader`, { timeout: TIMEOUT })
    await untilNews(page, site)
    const { host } = await inspect(page)
    if (host !== 'leader') problems.push(`a tab has the host ${host}`)
    if (!hasNoSocket) await lookAtSockets([page], site, problems)
  } catch (error) {
    problems.push(String(error))
  } finally {
    await context.close()
  }
  return problems.map((problem) => `as a leader: ${problem}`)
}

/** Collects what the console warns of. @param {import('playwright').Page} page */
export function listen(page) {
  /** @type {string[]} */
  const lines = []
  page.on('console', (message) => {
    const isBad = ['warning', 'error', 'assert'].includes(message.type())
    if (isBad || message.text().includes('tabstream:'))
      lines.push(`${message.type()}: ${message.text()} (${message.location().url})`)
  })
  page.on('pageerror', (error) => lines.push(`uncaught: ${error}`))
  return lines
}

/** @param {import('playwright').Page} page @returns {Promise<{ host: string, hubId: string, tabs: number, refused: unknown }>} */
export const inspect = (page) => page.evaluate(() => /** @type {any} */ (globalThis).inspectTabstream())

/**
 * Waits until the page shows a tick that comes only now.
 *
 * @param {import('playwright').Page} page
 * @param {Site} site
 * @param {number} [timeout]
 * @returns {Promise<number>} how long that took
 */
export async function untilNews(page, site, timeout = TIMEOUT) {
  const begun = Date.now()
  const latest = site.stream.latest()
  await page
    .waitForFunction((latest) => Number(document.querySelector('#latest')?.textContent) > latest, latest, {
      timeout,
    })
    .catch((error) => {
      throw new Error(`a page shows no event: ${error.message.split('\n')[0]}`)
    })
  return Date.now() - begun
}

/** @param {() => boolean} isTrue @param {string} what @param {number} [timeout] */
export async function until(isTrue, what, timeout = 20_000) {
  const end = Date.now() + timeout
  while (!isTrue()) {
    if (Date.now() > end) throw new Error(`it has not come to pass that ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
