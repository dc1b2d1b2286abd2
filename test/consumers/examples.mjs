import { cpSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join } from 'node:path'
import { root } from '../../.ci/prepare.mjs'
import { run } from './processes.mjs'
import { listen, until } from './tabs.mjs'

const TABS = 3

/** The list of the example apps shows so many lines. */
const LINES = 200

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css' }

/** Where an app of `demo/apps` is, as seen from the folder of the consumers' apps. @param {string} name */
export const exampleOf = (name) => `../../../demo/apps/${name}`

/**
 * Builds an example app and does in three tabs what its page of the documentation promises: the latest value, the last 200 lines, the
 * status, a gap that fetches the state again, and a connection that ends when the components are gone.
 *
 * @param {{ folder: string, path: readonly string[], browser: import('playwright').Browser }} by
 * @param {string} [build] command
 * @param {string} [built] folder of what that makes
 * @returns {Promise<import('./tabs.mjs').Sight>}
 */
export async function lookAtExample({ folder, path, browser }, build = 'vite build', built = 'dist') {
  for (const file of ['feed.mjs', 'server.mjs'])
    cpSync(join(root, 'demo/apps', file), join(folder, '..', file))
  await run(build, { folder, path })
  const site = await startSite(join(folder, built))
  const context = await browser.newContext()
  /** @type {string[][]} */
  const consoles = []
  /** @type {string[]} */
  const problems = []
  const shows = (
    /** @type {import('playwright').Page[]} */ pages,
    /** @type {string} */ part,
    /** @type {string} */ text,
  ) =>
    Promise.all(
      pages.map((page) =>
        page
          .waitForFunction(
            ([part, text]) => document.querySelector(`#${part}`)?.textContent?.includes(text),
            [part, text],
          )
          .catch(() => problems.push(`#${part} of a tab does not show "${text}"`)),
      ),
    )
  try {
    const pages = []
    for (let count = 0; count < TABS; count++) {
      const page = await context.newPage()
      page.setDefaultTimeout(20_000)
      consoles.push(listen(page))
      await page.goto(site.origin)
      pages.push(page)
    }
    await shows(pages, 'status', 'open')
    await shows(pages, 'machines', 'load ')
    site.publish('cpu', '{"load":0.25}')
    site.publish('cpu', '{"load":0.5}')
    await shows(pages, 'load', '0.5')

    for (let line = 1; line <= LINES + 50; line++) site.publish('log', `line ${line}.`)
    await shows(pages, 'log', `line ${LINES + 50}.`)
    for (const page of pages) {
      const lines = await page.locator('#log li').allTextContents()
      if (lines.length !== LINES) problems.push(`a list has ${lines.length} lines`)
      if (lines[0] !== 'line 51.') problems.push(`a list begins with ${lines[0]}`)
    }
    const connections = site.begun()
    if (connections !== 1) problems.push(`the tabs have ${connections} connections`)

    const loads = site.loads()
    site.forget()
    await until(() => site.open() === 1, 'the tabs connect again')
    site.publish('cpu', '{"load":0.75}')
    await shows(pages, 'load', '0.75')
    await until(() => site.loads() === loads + TABS, 'each tab fetches the state again after a gap')

    await Promise.all(pages.map((page) => page.getByRole('button', { name: 'Hide' }).click()))
    await until(() => site.open() === 0, 'the connection ends when the components are gone', 2_000)
    problems.push(...consoles.flat().map((line) => `console: ${line}`))
    return { host: '', tabs: TABS, connections, problems: [...new Set(problems)] }
  } finally {
    await context.close()
    await site.close()
  }
}

/** Serves the app, and what its components ask for. @param {string} folder */
async function startSite(folder) {
  /** @type {Set<import('node:http').ServerResponse>} */
  const clients = new Set()
  /** @type {{ id: string, text: string }[]} */
  let history = []
  let count = 0
  let begun = 0
  let loads = 0

  /** @type {Record<string, (request: import('node:http').IncomingMessage, response: import('node:http').ServerResponse) => void>} */
  const routes = {
    '/events'(request, response) {
      begun++
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
      response.write(': hello\n\n')
      const lastId = request.headers['last-event-id']
      const known = history.findIndex(({ id }) => id === lastId)
      if (lastId !== undefined) for (const { text } of history.slice(known + 1)) response.write(text)
      clients.add(response)
      response.once('close', () => clients.delete(response))
    },
    '/machines'(_request, response) {
      loads++
      response.end(JSON.stringify([`load ${loads}`]))
    },
  }
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://any')
    if (routes[pathname]) return routes[pathname](request, response)
    const path = pathname === '/' ? '/index.html' : pathname
    const body = await readFile(join(folder, path)).catch(() => undefined)
    if (body === undefined) return response.writeHead(404).end()
    const type = TYPES[/** @type {keyof TYPES} */ (extname(path))] ?? 'text/plain'
    response.writeHead(200, { 'content-type': type }).end(body)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  const address = server.address()
  return {
    origin: `http://localhost:${typeof address === 'object' ? address?.port : 0}`,
    begun: () => begun,
    open: () => clients.size,
    loads: () => loads,
    /** @param {string} name @param {string} data */
    publish(name, data) {
      const id = String(++count)
      const text = `id: ${id}\nevent: ${name}\ndata: ${data}\n\n`
      history.push({ id, text })
      for (const client of clients) client.write(text)
    },
    /** Cuts all connections, and can replay nothing any more. */
    forget() {
      history = []
      for (const client of clients) client.destroy()
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
