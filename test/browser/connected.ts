import type { SharedStream, StreamStatus } from '../../src/index.ts'
import type { Tab } from './browser.ts'
import { within } from './until.ts'

declare global {
  // They live in the page, where `connect` makes them.
  var stream: SharedStream
  /** `times` is when each of the data has come, in ms since 1970. */
  var seen: { data: string[]; times: number[]; statuses: StreamStatus[]; gaps: number; errors: string[] }
  var asked: string[]
  var token: { value: string }
}

/** Opens a stream in the page; `options` is the source of an expression, since functions cannot be sent. */
export async function connect(tab: Tab, url: string, options = '{}'): Promise<void> {
  await tab.page.evaluate(
    ([url, options]) => {
      globalThis.asked = []
      globalThis.seen = { data: [], times: [], statuses: [], gaps: 0, errors: [] }
      globalThis.stream = tabstream.connect(url, new Function(`return ${options}`)())
      stream.on('*', ({ data }) => {
        seen.data.push(data)
        seen.times.push(Date.now())
      })
      stream.onStatus((status) => seen.statuses.push(status))
      stream.onGap(() => seen.gaps++)
      stream.onError((error) => seen.errors.push(error.message))
    },
    [url, options] as const,
  )
}

export const dataIn = (tab: Tab): Promise<string[]> => tab.page.evaluate(() => seen.data)

export const statusesIn = (tab: Tab): Promise<string[]> =>
  tab.page.evaluate(() => seen.statuses.map(({ state }) => state))

export const errorIn = (tab: Tab) => tab.page.evaluate(() => stream.status.error?.message)

/** Resolves when the page's stream is in this state. */
export const reach = (tab: Tab, state: StreamStatus['state']): Promise<void> =>
  within(
    tab.page.evaluate(
      (state) =>
        new Promise<void>((resolve) => {
          // Not by looking now and then: in a hidden page, that would take a second.
          const off = stream.onStatus(() => look())
          const look = () => {
            if (stream.status.state !== state) return
            off()
            resolve()
          }
          look()
        }),
      state,
    ),
    () => `the state ${state} of a stream; console: ${JSON.stringify(tab.console)}`,
  )

/** Resolves when the page's stream has brought these data. */
export const received = (tab: Tab, data: string): Promise<void> =>
  within(
    tab.page.evaluate(
      (data) =>
        new Promise<void>((resolve) => {
          if (seen.data.includes(data)) return resolve()
          const off = stream.on('*', (event) => {
            if (event.data !== data) return
            off()
            resolve()
          })
        }),
      data,
    ),
    () => `the data ${data} in a stream; console: ${JSON.stringify(tab.console)}`,
  )
