import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Browser, type BrowserContext, chromium, type LaunchOptions, type Page } from 'playwright'
// @ts-expect-error: a script without types of its own
import { shellBeside } from '../../.ci/prepare.mjs'
import type { Replay } from '../../src/index.ts'
// @ts-expect-error: a script without types of its own
import { CHROMIUM_FLAGS } from './chromium-flags.mjs'
import { installRecorder, type Kind, type RecordedEvent, type Signal } from './recorder.ts'
import { within } from './until.ts'

/** What a stage needs of a browser. */
export interface Profiles {
  newContext(): Promise<BrowserContext>
  close(): Promise<void>
}

/** Without windows, where such a Chromium is to be had. */
export function launchChromium(options: LaunchOptions = {}): Promise<Browser> {
  return chromium.launch({
    executablePath: shellBeside(findChromium()),
    ...options,
    args: [...CHROMIUM_FLAGS, ...(options.args ?? [])],
  })
}

/** A browser with a back/forward cache, which Playwright turns off, and the shell does not have. */
export const launchWithCache = (): Promise<Browser> =>
  launchChromium({
    executablePath: findChromium(),
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  })

/** Not trusted by the browser, as `localhost` and loopback addresses are: pages from there are no secure contexts. */
export const INSECURE = 'dash.test'

/** Lets a browser find this machine under the name of {@link INSECURE}. */
const INSECURE_FLAGS = [`--host-resolver-rules=MAP ${INSECURE} 127.0.0.1`]

export const launchInsecure = (): Promise<Browser> => launchChromium({ args: INSECURE_FLAGS })

export const launchInsecureFreezable = (): Promise<Profiles> => launchFreezable(INSECURE_FLAGS)

/**
 * A browser of one profile whose pages can be frozen. Chromium freezes no visible page, and Playwright keeps all its
 * pages visible by emulating their focus, except in the profile of a browser that it has been connected to.
 */
export async function launchFreezable(flags: readonly string[] = []): Promise<Profiles> {
  // The shell hides no page. Without the second flag Chromium does not tell its command line, which names the place where the port is found.
  const browser = await launchChromium({
    executablePath: findChromium(),
    args: ['--remote-debugging-port=0', '--enable-automation', ...flags],
  })
  const session = await browser.newBrowserCDPSession()
  const { arguments: all } = await session.send('Browser.getBrowserCommandLine')
  const folder = all.find((flag) => flag.startsWith('--user-data-dir='))?.split('=')[1] ?? ''
  const [port] = (await readFile(join(folder, 'DevToolsActivePort'), 'utf8')).split('\n')
  return {
    newContext: async () => {
      const bare = await chromium.connectOverCDP(`http://127.0.0.1:${port}`, { noDefaults: true })
      return bare.contexts()[0] ?? bare.newContext()
    },
    close: () => browser.close(),
  }
}

/** Where a Chromium is: the one that was demanded, or the first of the usual places. */
export function findChromium(): string {
  const { TABSTREAM_CHROMIUM: demanded } = process.env
  if (demanded) {
    if (!existsSync(demanded)) throw new Error(`TABSTREAM_CHROMIUM is ${demanded}, where there is no file`)
    return demanded
  }
  const places = [chromium.executablePath(), '/usr/bin/chromium']
  const found = places.find((place) => existsSync(place))
  if (found) return found
  throw new Error(
    `no Chromium at ${places.join(' or ')}: install one (npx playwright install chromium, or apt-get install chromium) or set TABSTREAM_CHROMIUM to its path`,
  )
}

/** One page, with all it has said. The tabs of one context are the tabs of one browser profile. */
export interface Tab {
  readonly page: Page
  readonly console: { type: string; text: string }[]
  readonly errors: Error[]
}

export async function openTab(context: BrowserContext, url: string): Promise<Tab> {
  const tab = await openBlankTab(context)
  await tab.page.goto(url)
  await whenReady(tab)
  return tab
}

/** A tab that has gone nowhere yet, for tests of the navigation itself. */
export async function openBlankTab(context: BrowserContext): Promise<Tab> {
  const page = await context.newPage()
  const tab: Tab = { page, console: [], errors: [] }
  page.on('console', (message) => tab.console.push({ type: message.type(), text: message.text() }))
  page.on('pageerror', (error) => tab.errors.push(error))
  await page.addInitScript(installRecorder)
  return tab
}

/** Resolves when the page's script has run; rejects if the library could not be loaded. */
export async function whenReady(tab: Tab): Promise<void> {
  await within(
    tab.page.evaluate(async () => {
      if (!globalThis.ready) throw new Error(`not a page of the test server: ${location.href}`)
      await globalThis.ready
    }),
    () => `the script of ${tab.page.url()}`,
  )
}

export async function crashTab(context: BrowserContext, tab: Tab): Promise<void> {
  const session = await context.newCDPSession(tab.page)
  const crashed = new Promise<void>((resolve) => tab.page.once('crash', () => resolve()))
  // The command has nobody left to answer it: it stays pending, or fails as its session goes.
  session.send('Page.crash').catch(() => {})
  await within(crashed, () => 'the crash of a tab')
}

/** Kills the worker that runs a script of this origin, as a browser short of memory does: nobody is told. */
export async function killWorker(context: BrowserContext, origin: string): Promise<void> {
  const session = await context.browser()?.newBrowserCDPSession()
  if (!session) throw new Error('a context without a browser')
  const { targetInfos } = await session.send('Target.getTargets')
  const workers = targetInfos.filter(({ type, url }) => type === 'shared_worker' && url.startsWith(origin))
  if (workers.length !== 1) throw new Error(`${workers.length} workers of ${origin}`)
  for (const { targetId } of workers) await session.send('Target.closeTarget', { targetId })
  await session.detach()
}

/** Freezes a hidden page of a browser that can, see {@link launchFreezable}: no task of the page runs any more. */
export function freeze(tab: Tab): Promise<void> {
  return setLifecycleState(tab, 'frozen')
}

export function wake(tab: Tab): Promise<void> {
  return setLifecycleState(tab, 'active')
}

async function setLifecycleState(tab: Tab, state: 'frozen' | 'active'): Promise<void> {
  const session = await tab.page.context().newCDPSession(tab.page)
  await session.send('Page.setWebLifecycleState', { state })
  await session.detach()
}

/** Tells the page that it goes into the back/forward cache, which Playwright turns off. */
export async function leave(tab: Tab): Promise<void> {
  await tab.page.evaluate(() => dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true })))
}

/** Tells the page that it has come back from that cache. */
export async function comeBack(tab: Tab): Promise<void> {
  await tab.page.evaluate(() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })))
}

/** All console warnings so far: a message of our own comes after them. */
export async function warnings(tab: Tab): Promise<string[]> {
  const mark = `mark ${tab.console.length}`
  const marked = tab.page.waitForEvent('console', (message) => message.text() === mark)
  await tab.page.evaluate((mark) => console.debug(mark), mark)
  await marked
  return tab.console.filter(({ type }) => type === 'warning').map(({ text }) => text)
}

export function inspect(tab: Tab) {
  return tab.page.evaluate(() => tabstream.inspect())
}

/** One source in one page, whose events are kept there. */
export class Recording {
  readonly #tab: Tab
  readonly #key: string

  constructor(tab: Tab, key: string) {
    this.#tab = tab
    this.#key = key
  }

  /** Names this recording to functions that run in the page: `recorder.get(key)`. */
  get key(): string {
    return this.#key
  }

  received(): Promise<RecordedEvent[]> {
    return this.#tab.page.evaluate((key) => recorder.get(key).events, this.#key)
  }

  async data(): Promise<string[]> {
    return (await this.received()).map(({ data }) => data)
  }

  /** When each of what has been received came, in ms since 1970. */
  times(): Promise<number[]> {
    return this.#tab.page.evaluate((key) => recorder.get(key).times, this.#key)
  }

  signals(): Promise<Signal[]> {
    return this.#tab.page.evaluate((key) => recorder.get(key).signals, this.#key)
  }

  readyState(): Promise<number> {
    return this.#tab.page.evaluate((key) => recorder.get(key).source.readyState, this.#key)
  }

  close(): Promise<void> {
    return this.#tab.page.evaluate((key) => recorder.get(key).source.close(), this.#key)
  }

  listen(name: string): Promise<void> {
    return this.#tab.page.evaluate(([key, name]) => recorder.get(key).listen(name), [
      this.#key,
      name,
    ] as const)
  }

  /** Resolves with what has been received once that is `count` events, or more. */
  async waitForEvents(count: number): Promise<RecordedEvent[]> {
    await this.#until(
      ([key, count]) => {
        const recording = recorder.get(key)
        return recording.until(() => recording.events.length >= Number(count))
      },
      String(count),
      `${count} events`,
    )
    return this.received()
  }

  /** Resolves with what has been received once an event with this data has come. */
  async waitForData(data: string): Promise<RecordedEvent[]> {
    await this.reach(data)
    return this.received()
  }

  /** Resolves once an event with this data has come. */
  reach(data: string): Promise<void> {
    return this.#until(
      ([key, data]) => {
        const recording = recorder.get(key)
        // Looks at each event once: looking at all of them each time would make the tab a slow one.
        let next = 0
        return recording.until(() => {
          while (next < recording.events.length) {
            if (recording.events[next++]?.data === data) return true
          }
          return false
        })
      },
      data,
      `an event with the data ${data}`,
    )
  }

  /** Resolves with all signals once `count` of this type have come. */
  async waitForSignals(type: 'open' | 'error', count = 1): Promise<Signal[]> {
    await this.#until(
      ([key, wanted]) => {
        const recording = recorder.get(key)
        const [type, count] = wanted.split(' ')
        return recording.until(
          () => recording.signals.filter((signal) => signal.type === type).length >= Number(count),
        )
      },
      `${type} ${count}`,
      `${count} × ${type}`,
    )
    return this.signals()
  }

  async #until(
    inPage: (keyAndArgument: readonly [string, string]) => Promise<void>,
    argument: string,
    what: string,
  ): Promise<void> {
    let seen = 'nothing'
    const look = setTimeout(() => {
      this.#tab.page
        .evaluate((key) => {
          const { events, signals, source } = recorder.get(key)
          return `${events.length} events, signals ${JSON.stringify(signals)}, readyState ${source.readyState}`
        }, this.#key)
        .then(
          (state) => {
            seen = state
          },
          () => {},
        )
    }, LOOK_AFTER)
    try {
      await within(
        this.#tab.page.evaluate(inPage, [this.#key, argument] as const),
        () =>
          `${what} in recording ${this.#key}; there: ${seen}; console: ${JSON.stringify(this.#tab.console)}`,
      )
    } finally {
      clearTimeout(look)
    }
  }
}

/** When a wait is on the way to failing: time to ask the page how far it got. */
const LOOK_AFTER = 20_000

let recordings = 0

/** Opens a source in the page and keeps all events of these names; `open` and `error` are kept as signals. */
export async function record(
  tab: Tab,
  url: string,
  names: readonly string[],
  options: { kind?: Kind; withCredentials?: boolean; replay?: Replay } = {},
): Promise<Recording> {
  const { kind = 'SharedEventSource', ...init } = options
  const key = `${++recordings} (${url})`
  await tab.page.evaluate((request) => recorder.open(request), { key, kind, url, names, ...init })
  return new Recording(tab, key)
}
