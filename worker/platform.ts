import { type LinkPlatform, linkPlatform } from '../src/link/platform.ts'

/** What a hub needs from its environment. A simulation replaces it. */
export interface HubPlatform extends LinkPlatform {
  /** Uniform in [0, 1). */
  random(): number
  /** Of the hub's script or page, as requests to other origins name it. */
  readonly origin: string
  /** False only where a network is known to be missing. */
  isOnline(): boolean
  /** ALPN name of the protocol that an origin speaks, as far as the platform tells; otherwise `''`. */
  protocolOf(origin: string): string
  fetch(url: string, init: RequestInit): Promise<Response>
  /** Fetches and runs a module; absent where there is none to be had. */
  load?(script: string): Promise<unknown>
  /** Resolves when everything else that is due has had its turn. */
  turn(): Promise<void>
  /** Ends the hub for good; absent where only the page can. */
  end?(): void
}

/** The real environment. */
export const hubPlatform = (): HubPlatform => ({
  ...linkPlatform(),
  random: Math.random,
  origin: globalThis.origin,
  isOnline: () => globalThis.navigator?.onLine !== false,
  protocolOf: (origin) => protocolOf(origin),
  fetch: (url, init) => fetch(url, init),
  // A template: for a variable, the development server of Vite would put an import before this file, which is a classic script.
  load: (script) =>
    import(/* @vite-ignore */ /* webpackIgnore: true */ /* turbopackIgnore: true */ `${script}`),
  turn,
})

/**
 * An entry is made when a response has ended. Other origins tell only with `Timing-Allow-Origin`.
 *
 * @param timeline of the page, frame or worker that has made the requests
 */
export function protocolOf(origin: string, timeline = performance): string {
  const entries = (timeline.getEntriesByType?.('resource') ?? []) as PerformanceResourceTiming[]
  const known = entries.filter(
    ({ name, nextHopProtocol }) => nextHopProtocol && name.startsWith(`${origin}/`),
  )
  return known.at(-1)?.nextHopProtocol ?? ''
}

/** Not by a timer: in a hidden page even the shortest takes a second. */
const turn = (): Promise<void> =>
  new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(0)
  })
