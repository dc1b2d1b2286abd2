import { inspect } from 'tabstream'

// What the test asks each tab.
globalThis.inspectTabstream = inspect

/** Each shows the latest number in `#latest`, by what the library makes of a SharedEventSource. */
const slots = {
  htmx: () => import('./htmx.js'),
  'reconnecting-eventsource': () => import('./reconnecting-eventsource.js'),
  transmit: () => import('./transmit.js'),
  trpc: () => import('./trpc.js'),
  turbo: () => import('./turbo.js'),
}

slots[new URLSearchParams(location.search).get('slot')]()
