import { afterAll, onTestFailed, onTestFinished } from 'vitest'
import { installRecorder, type RecordedEvent, type Signal } from '../browser/recorder.ts'
import { startServer, type TestServer } from '../browser/server.ts'
import { within } from '../browser/until.ts'
import type { Engine, EngineTab } from './engine.ts'

export interface Stage {
  readonly version: string
  readonly server: TestServer
  /** Opens a page of the server, with the recorder in it, and resolves when the library is there. */
  open(): Promise<Tab>
}

/**
 * One browser for a `describe`. What it returns sets a stage for one test: a server of its own, and with its port an
 * origin of its own, so that no test meets the workers, locks and channels of another.
 */
export function useEngine(launch: () => Promise<Engine>): (page: string) => Promise<Stage> {
  // Not in beforeAll: where a hook fails, Vitest calls the tests skipped, and these must fail.
  let launched: Promise<Engine> | undefined
  afterAll(async () => {
    const engine = await launched?.catch(() => undefined)
    await engine?.close()
  })

  return async (page) => {
    launched ??= launch()
    const engine = await launched
    const server = await startServer()
    const tabs: Tab[] = []
    onTestFailed(() => console.error(server.describe()))
    onTestFinished(async () => {
      for (const tab of tabs) await tab.close()
      await server.close()
    })
    const open = async () => {
      const tab = new Tab(await engine.openTab(server.url(page)))
      tabs.push(tab)
      await tab.evaluate(installRecorder, undefined)
      await within(
        tab.evaluate(() => ready, undefined),
        () => `the script of ${page}`,
      )
      return tab
    }
    return { version: engine.version, server, open }
  }
}

/** One tab of whatever browser; it can be closed more than once. */
export class Tab {
  readonly #tab: EngineTab
  #closed: Promise<void> | undefined

  constructor(tab: EngineTab) {
    this.#tab = tab
  }

  evaluate<Argument, Result>(
    run: (argument: Argument) => Result | Promise<Result>,
    argument: Argument,
  ): Promise<Result> {
    return this.#tab.evaluate(run, argument)
  }

  goto(url: string): Promise<void> {
    return this.#tab.goto(url)
  }

  close(): Promise<void> {
    this.#closed ??= this.#tab.close()
    return this.#closed
  }

  inspect() {
    return this.evaluate(() => tabstream.inspect(), undefined)
  }

  /** Opens a source that keeps all events of these names, and resolves when it is open. */
  async record(url: string, names: readonly string[]): Promise<Recording> {
    const key = `${++recordings} (${url})`
    await this.evaluate((request) => recorder.open(request), {
      key,
      kind: 'SharedEventSource' as const,
      url,
      names,
    })
    const recording = new Recording(this, key)
    await recording.opened()
    return recording
  }
}

let recordings = 0

/** One source in one page, whose events are kept there. */
export class Recording {
  readonly tab: Tab
  readonly key: string

  constructor(tab: Tab, key: string) {
    this.tab = tab
    this.key = key
  }

  received(): Promise<RecordedEvent[]> {
    return this.tab.evaluate((key) => recorder.get(key).events, this.key)
  }

  /** When each of what has been received came, in ms since 1970. */
  times(): Promise<number[]> {
    return this.tab.evaluate((key) => recorder.get(key).times, this.key)
  }

  signals(): Promise<Signal[]> {
    return this.tab.evaluate((key) => recorder.get(key).signals, this.key)
  }

  opened(): Promise<void> {
    return this.#within(
      this.tab.evaluate((key) => {
        const recording = recorder.get(key)
        return recording.until(() => recording.source.readyState === recording.source.OPEN)
      }, this.key),
      'open',
    )
  }

  /** Resolves with what has been received once an event with this data has come. */
  async reach(data: string): Promise<RecordedEvent[]> {
    await this.#within(
      this.tab.evaluate(
        ([key, data]) => {
          const recording = recorder.get(key)
          return recording.until(() => recording.events.some((event) => event.data === data))
        },
        [this.key, data] as const,
      ),
      `an event with the data ${data}`,
    )
    return this.received()
  }

  #within(promise: Promise<void>, what: string): Promise<void> {
    return within(promise, () => `${what} in recording ${this.key}`)
  }
}
