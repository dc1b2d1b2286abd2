import { tabstream } from './source.js'

/**
 * @typedef {{ time: number, line: number, kind: string, text: string }} Line `line` counts from 1
 *
 * @typedef {'connecting' | 'live' | 'reconnecting' | 'parked' | 'closed'} State
 *
 * @typedef {object} Reader
 * @property {(line: Line) => void} onLine
 * @property {(state: State) => void} onState
 * @property {(reason: string) => void} onGap only of a shared stream
 */

/** Of the past. The server sends as many to a connection that resumes nothing. */
const LINES = 20

/** @type {Record<import('tabstream').StreamStatus['state'], State>} */
const states = {
  connecting: 'connecting',
  open: 'live',
  retrying: 'reconnecting',
  parked: 'parked',
  closed: 'closed',
}

/** @param {string} url @param {Reader} reader */
const openNative = (url, { onLine, onState }) => {
  const source = new EventSource(url)
  source.onopen = () => onState('live')
  source.onerror = () => onState(source.readyState === source.CLOSED ? 'closed' : 'reconnecting')
  source.addEventListener('line', ({ data }) => onLine(JSON.parse(data)))
  return () => source.close()
}

/** @param {string} url @param {Reader} reader */
const openShared = async (url, { onLine, onState, onGap }) => {
  const { connect, json } = await tabstream()
  const stream = connect(url, { events: { line: /** @type {typeof json<Line>} */ (json)() }, replay: LINES })
  stream.on('line', ({ data }) => onLine(data))
  stream.onStatus(({ state }) => onState(states[state]))
  stream.onGap(({ reason }) => onGap(reason))
  return () => stream.close()
}

/**
 * Reads one build's log.
 *
 * @param {import('./source.js').Kind} kind
 * @param {number} build
 * @param {Reader} reader
 * @returns {Promise<() => void>} what ends it; rejects where the library is missing
 */
export const openBuild = async (kind, build, reader) => {
  const url = `/streams/${build}`
  return kind === 'native' ? openNative(url, reader) : openShared(url, reader)
}
