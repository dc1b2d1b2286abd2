import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { within } from '../browser/until.ts'
import { freePort } from '../ports.mjs'
import { callOf, type Engine, type EngineTab } from './engine.ts'
import { pathOf } from './programs.ts'

/** Milliseconds that a function may wait in a page: longer than any test does before it says what it lacks. */
const LIMIT = 30_000

/** WebKitGTK, the engine of Safari, in the small browser that comes with it, over WebDriver and on a screen of its own. */
export async function launch(): Promise<Engine> {
  const processes: ChildProcess[] = []
  const stop = async () => {
    // MiniBrowser, where its session could not be ended, ends with its screen.
    for (const running of processes.reverse()) await end(running)
  }
  try {
    const screen = start(pathOf('Xvfb'), ['-displayfd', '3', '-nolisten', 'tcp'])
    processes.push(screen)
    const display = await displayOf(screen)
    const port = await freePort()
    const driver = start(pathOf('WebKitWebDriver'), [`--port=${port}`], {
      DISPLAY: `:${display}`,
      WEBKIT_DISABLE_COMPOSITING_MODE: '1',
      LIBGL_ALWAYS_SOFTWARE: '1',
    })
    processes.push(driver)
    const session = await Session.begin(`http://127.0.0.1:${port}`)
    return {
      version: session.version,
      openTab: (url) => session.openTab(url),
      close: () => session.end().finally(stop),
    }
  } catch (error) {
    await stop()
    throw error
  }
}

interface Begun {
  sessionId: string
  capabilities: { browserVersion: string }
}

/** What a script tells. */
interface Outcome {
  value?: unknown
  failure?: string
}

class Session {
  readonly version: string
  readonly #url: string
  /** The tab that the session began with. It stays empty and open: with the last tab the session would end. */
  readonly #home: string
  /** Commands mean the tab that was switched to last, so they go one by one. */
  #last: Promise<unknown> = Promise.resolve()

  private constructor(url: string, version: string, home: string) {
    this.#url = url
    this.version = version
    this.#home = home
  }

  static async begin(driverUrl: string): Promise<Session> {
    await listening(driverUrl)
    const { sessionId, capabilities } = await command<Begun>('POST', `${driverUrl}/session`, {
      capabilities: {
        alwaysMatch: {
          timeouts: { script: LIMIT, pageLoad: LIMIT },
          'webkitgtk:browserOptions': { binary: pathOf('MiniBrowser'), args: ['--automation'] },
        },
      },
    })
    const url = `${driverUrl}/session/${sessionId}`
    return new Session(url, capabilities.browserVersion, await command<string>('GET', `${url}/window`))
  }

  async openTab(url: string): Promise<EngineTab> {
    const { handle } = await this.#in<{ handle: string }>(this.#home, 'POST', '/window/new', { type: 'tab' })
    const tab: EngineTab = {
      evaluate: async (run, argument) => {
        const script = scriptOf(callOf(run, argument))
        const outcome = await this.#in<Outcome>(handle, 'POST', '/execute/async', { script, args: [] })
        if (outcome.failure) throw new Error(outcome.failure)
        return outcome.value as never
      },
      goto: (url) => this.#in<void>(handle, 'POST', '/url', { url }),
      close: () => this.#in<void>(handle, 'DELETE', '/window'),
    }
    await tab.goto(url)
    return tab
  }

  end(): Promise<void> {
    return this.#inTurn(() => command<void>('DELETE', this.#url))
  }

  #in<Value>(handle: string, method: string, path: string, body?: object): Promise<Value> {
    return this.#inTurn(async () => {
      await command('POST', `${this.#url}/window`, { handle })
      return command<Value>(method, this.#url + path, body)
    })
  }

  #inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    const result = this.#last.then(work)
    this.#last = result.catch(() => {})
    return result
  }
}

/** A script as WebDriver takes them: it calls its last argument when it is through. */
const scriptOf = (call: string): string => `
  const done = arguments[0]
  Promise.resolve()
    .then(() => ${call})
    .then((value) => done({ value }), (error) => done({ failure: String(error) }))`

async function command<Value>(method: string, url: string, body?: object): Promise<Value> {
  const response = await fetch(url, { method, ...(body && { body: JSON.stringify(body) }) })
  const { value } = (await response.json()) as { value: Value }
  if (!response.ok) throw new Error(`WebDriver refused ${method} ${url}: ${JSON.stringify(value)}`)
  return value
}

/** Resolves when the driver answers, which only asking can tell. */
async function listening(url: string): Promise<void> {
  const deadline = Date.now() + LIMIT
  while (Date.now() < deadline) {
    const answers = await fetch(`${url}/status`).then(
      () => true,
      () => false,
    )
    if (answers) return
    await sleep(20)
  }
  throw new Error(`no WebDriver at ${url}`)
}

/** Its input ends when this process does, in whatever way. Then, and not at Ctrl+C, it ends what it has started. */
const KEEPER = `trap '' INT; "$@" & cat; kill $!; wait`

/** Starts a program that does not outlive this process. */
function start(path: string, args: string[], environment: Record<string, string> = {}): ChildProcess {
  return spawn('/bin/sh', ['-c', KEEPER, 'keeper', path, ...args], {
    stdio: ['pipe', 'ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...environment },
  })
}

async function end(running: ChildProcess): Promise<void> {
  if (running.exitCode !== null || running.signalCode !== null) return
  const ended = once(running, 'exit')
  running.stdin?.end()
  await ended
}

/** Xvfb chooses a number that is free, and tells it. */
async function displayOf(screen: ChildProcess): Promise<string> {
  const output = screen.stdio[3]
  if (!output) throw new Error('Xvfb was to have a fourth stream')
  const [text] = await within(once(output, 'data'), () => 'the number of the display')
  return String(text).trim()
}
