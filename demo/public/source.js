/** @typedef {'shared' | 'native'} Kind */

/** @type {Promise<typeof import('tabstream')> | undefined} */
let library

// Imported when asked for, so that the page with a plain EventSource works without a build of the library.
export const tabstream = () => {
  library ??= import('tabstream').then((module) => {
    // A click from one selection of panels to another, or a reload, stays on the connection.
    // The figures are for everybody who may open the page.
    const wanted = new URLSearchParams(location.search).get('keepAlive') !== 'no'
    module.configure({ keepAlive: wanted && 'public' })
    return module
  })
  return library
}

/**
 * Opens the feed. Whatever comes back is used as an EventSource: the two kinds differ in this file only.
 *
 * @param {Kind} kind
 * @returns {Promise<EventSource>}
 */
export const openSource = async (kind) => {
  if (kind === 'native') return new EventSource('/events')
  const { SharedEventSource } = await tabstream()
  return new SharedEventSource('/events')
}

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
