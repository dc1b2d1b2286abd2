import type { BrowserContext } from 'playwright'
import {
  afterAll,
  beforeAll,
  describe,
  expect,
  onTestFailed,
  onTestFinished,
  type TestContext,
  vi,
} from 'vitest'
import { launchChromium, openTab, type Profiles, type Tab } from './browser.ts'
import type { Kind } from './recorder.ts'
import { startServer, type TestServer } from './server.ts'

export interface Stage {
  server: TestServer
  context: BrowserContext
  /** Opens a page of the server, or one at this URL. */
  open(path?: string): Promise<Tab>
  /** Opens the first tab, in whose process the hub is started, and then the others side by side. */
  openMany(count: number, path?: string): Promise<Tab[]>
}

/**
 * Marks what `npm test` runs of the tests in browsers: `test('…', ESSENTIAL, …)`, or a `describe` with all in it. Between them
 * they cover each promise of ARCHITECTURE.md, on each host that it is made for. `npm run test:all` runs the others as well.
 */
export const ESSENTIAL = { tags: ['essential'] }

/**
 * A browser for the file, or for a `describe`; what it returns sets a stage for one test: a server and a profile of its
 * own. A test that runs beside others has to hand its context in.
 *
 * @param hostname by which the browser calls the server
 * @param http2 the server speaks HTTP/2
 */
export function useBrowser(
  launch: () => Promise<Profiles> = launchChromium,
  hostname?: string,
  http2 = false,
): (context?: Pick<TestContext, 'onTestFailed' | 'onTestFinished'>) => Promise<Stage> {
  vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })
  let browser: Profiles
  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(() => browser.close())

  return async (test = { onTestFailed, onTestFinished }) => {
    const server = await startServer({ ...(hostname !== undefined && { hostname }), http2 })
    const context = await browser.newContext()
    const tabs: Tab[] = []
    test.onTestFailed(() => {
      console.error(server.describe())
      for (const tab of tabs) console.error(tab.page.url(), tab.console, tab.errors)
    })
    test.onTestFinished(async () => {
      await context.close()
      await server.close()
      expect(tabs.flatMap((tab) => tab.errors)).toEqual([])
    })

    const open = async (path = '/') => {
      const tab = await openTab(context, new URL(path, server.origin).href)
      tabs.push(tab)
      return tab
    }
    const openMany = async (count: number, path = '/') => {
      const first = await open(path)
      const others = await Promise.all(Array.from({ length: count - 1 }, () => open(path)))
      return [first, ...others]
    }
    return { server, context, open, openMany }
  }
}

/** For states of the hub, which can only be asked for: how often to ask, and when a test has failed. */
export const POLL = { interval: 20, timeout: 20_000 }

interface Source {
  name: string
  kind: Kind
  page: string
}

/**
 * What a case about the drop-in surface runs against. The browser's own EventSource is among them because it
 * proves the case, and the server.
 */
export const SOURCES: readonly Source[] = [
  { name: 'EventSource', kind: 'EventSource', page: '/page?native' },
  { name: 'SharedEventSource, shared-worker', kind: 'SharedEventSource', page: '/page?host=shared-worker' },
  { name: 'SharedEventSource, leader', kind: 'SharedEventSource', page: '/page?host=leader' },
  { name: 'SharedEventSource, direct', kind: 'SharedEventSource', page: '/page?host=direct' },
]

/** What a case is marked with that is the same on each host: it is essential on the one that most pages have. */
export const essentialOnOneHost = ({ page }: Source) => (page.includes('host=shared-worker') ? ESSENTIAL : {})

/** Declares cases for each of {@link SOURCES}. */
export function describeSources(declare: (source: Source) => void): void {
  for (const source of SOURCES) describe(source.name, essentialOnOneHost(source), () => declare(source))
}
