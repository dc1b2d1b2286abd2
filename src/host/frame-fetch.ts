import { type HubPlatform, protocolOf } from '../../worker/platform.ts'

/** A `fetch` whose connections can be closed even while the page is frozen. */
export interface DetachableFetch {
  readonly fetch: HubPlatform['fetch']
  /** As of its own requests, which no other timeline tells of. */
  readonly protocolOf: HubPlatform['protocolOf']
  /** Ends all connections at once. */
  close(): void
}

/**
 * The `fetch` of a hidden frame. In a frozen page, Chromium (156) closes aborted connections only when the page wakes, which can
 * be days later. A frame's connections close when the frame is removed, also by a page that replaces its `<html>`; the next one
 * gets another frame.
 */
export function frameFetch(): DetachableFetch {
  let frame = open()
  return {
    fetch(url, init) {
      if (!frame.isConnected) frame = open()
      // In a sandbox the frame has an origin of its own.
      const window = frame.contentDocument && frame.contentWindow
      // The frame has no URL of its own, so it would send no referrer.
      return (window ?? globalThis).fetch(url, { ...init, referrer: location.href })
    },
    protocolOf: (origin) => protocolOf(origin, frame.contentWindow?.performance),
    close: () => frame.remove(),
  }
}

function open(): HTMLIFrameElement {
  const frame = document.createElement('iframe')
  // Whatever the page's own style says of frames.
  frame.style.setProperty('display', 'none', 'important')
  document.documentElement.append(frame)
  return frame
}
