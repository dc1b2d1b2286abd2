/** @typedef {'shared' | 'native'} Kind */

/** @type {Promise<typeof import('tabstream')> | undefined} */
let library

// Imported when asked for, so that the page with a plain EventSource works without a build of the library.
export const tabstream = () => {
  library ??= import('tabstream').then((module) => {
    // A click from one selection of panels to another, or a reload, stays on the connection.
    // The figures are for everybody who may open the page.
    const wanted = new URLSearchParams(location.search).get('keepAlive') !== 'no'
    // Whoever opens the demo may see what its hub does when connections are cut.
    module.configure({ keepAlive: wanted && 'public', inspector: true })
    void showInspector()
    return module
  })
  return library
}

/** A drawer at the bottom of the page. The page works without it. */
const showInspector = async () => {
  const { mountInspector } = await import('tabstream/inspector')
  mountInspector()
}

/**
 * @typedef {'connecting' | 'live' | 'reconnecting' | 'parked' | 'closed'} State
 *
 * @typedef {object} Source
 * @property {(name: string, listener: (data: any) => void) => () => void} on listens to a name; what it returns ends that
 * @property {() => void} close
 */

/** @type {Record<import('tabstream').LazyStatus['state'], State>} */
const states = {
  idle: 'connecting',
  connecting: 'connecting',
  open: 'live',
  retrying: 'reconnecting',
  parked: 'parked',
  closed: 'closed',
}

/** @param {(state: State) => void} onState @returns {Source} */
const openNative = (onState) => {
  const source = new EventSource('/events')
  source.onopen = () => onState('live')
  source.onerror = () => onState(source.readyState === source.CLOSED ? 'closed' : 'reconnecting')
  return {
    on(name, listener) {
      const receive = (/** @type {MessageEvent} */ { data }) => listener(JSON.parse(data))
      source.addEventListener(name, receive)
      return () => source.removeEventListener(name, receive)
    },
    close: () => source.close(),
  }
}

/** @param {(state: State) => void} onState @returns {Promise<Source>} */
const openShared = async (onState) => {
  const { defineStream } = await tabstream()
  const feed = defineStream('/events')
  // The page shows whether it is live, also while no panel is chosen.
  const release = feed.hold()
  const ignore = feed.status.subscribe(({ state }) => onState(states[state]))
  return {
    on: (name, listener) => feed.on(name, ({ data }) => listener(JSON.parse(data))),
    close() {
      ignore()
      release()
    },
  }
}

/**
 * Opens the feed: shared by all tabs, or by an EventSource of this tab's own.
 *
 * @param {Kind} kind
 * @param {(state: State) => void} onState
 * @returns {Promise<Source>} rejects where the library is missing
 */
export const openSource = async (kind, onState) =>
  kind === 'native' ? openNative(onState) : openShared(onState)

/**
 * @param {Kind} kind
 * @returns {Promise<{ host: string, tabs: number }>}
 */
export const describeSharing = async (kind) => {
  if (kind === 'native') return { host: 'native', tabs: 1 }
  const { inspect } = await tabstream()
  return inspect()
}

// Longer than a server on this machine ever takes: past it there was no connection to ask on.
const TIME_LIMIT = 1900

/** @returns {Promise<{ connections: number, builds: number }>} the SSE connections the server holds: the feed's, the builds' */
export const loadStats = async () => {
  const response = await fetch('/stats', { signal: AbortSignal.timeout(TIME_LIMIT) })
  return response.json()
}

/**
 * What the server still knows of these events, so that a new tab starts with full plots.
 *
 * @param {string[]} names
 * @returns {Promise<{ name: string, data: { time: number } }[]>}
 */
export const loadHistory = async (names) => {
  const query = new URLSearchParams(names.map((name) => ['name', name]))
  const response = await fetch(`/history?${query}`, { signal: AbortSignal.timeout(TIME_LIMIT) })
  return response.json()
}
