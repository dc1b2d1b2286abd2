import type { HubPlatform } from '../../worker/platform.ts'

/** A `fetch` whose connections can be ended whatever becomes of the page. */
export interface DetachableFetch {
  readonly fetch: HubPlatform['fetch']
  /** Ends all connections at once. */
  close(): void
}

/**
 * The `fetch` of a hidden frame. In a page that is frozen Chromium (156) lets go of what has been aborted only when the
 * page wakes, which can be days later; the connections of a frame end when it is removed.
 */
export function frameFetch(): DetachableFetch {
  const frame = document.createElement('iframe')
  frame.hidden = true
  document.documentElement.append(frame)
  return {
    fetch(url, init) {
      // The page may have thrown the frame out; in a sandbox it has an origin of its own.
      const window = frame.contentDocument && frame.contentWindow
      // Without an address of its own the frame would send no referrer.
      return (window ?? globalThis).fetch(url, { ...init, referrer: location.href })
    },
    close: () => frame.remove(),
  }
}
