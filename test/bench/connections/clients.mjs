import { connect } from 'node:net'
import { answerCalls } from '../calls.mjs'

// Many clients in one process. They look for little in what they are given, so that the server stays what is measured.

const MARK = Buffer.from('at=')
/** So many connect at a time. */
const OPENING = 100

/** @typedef {{ socket: import('node:net').Socket, head: string, id: string }} Client */

/** What all sockets read into, one after the other. */
const buffer = Buffer.alloc(65_536)

/** @type {Map<string, Client[]>} */
const groups = new Map()
let ended = 0

/** Delays of the present broadcast, in ms, and how many there are to be. */
let delays = []
let due = 0
let allHaveCome = () => {}

/** @param {number} length */
function take(length) {
  const at = buffer.subarray(0, length).indexOf(MARK)
  if (at < 0) return
  const sent = Number.parseInt(buffer.toString('latin1', at + MARK.length, at + 24), 10)
  delays.push((Number(process.hrtime.bigint()) - sent) / 1e6)
  if (delays.length === due) allHaveCome()
}

/**
 * Resolves when the response has begun; with an ID, where it is waited for. A slow client reads nothing after that.
 *
 * @param {import('node:net').NetConnectOpts} address @param {string} path
 * @param {{ lastId?: string, untilId?: boolean, isSlow?: boolean }} [options]
 * @returns {Promise<Client>}
 */
function open(address, path, { lastId, untilId = false, isSlow = false } = {}) {
  return new Promise((resolve, reject) => {
    let head = ''
    let hasBegun = false
    const callback = (length) => {
      if (hasBegun) {
        take(length)
        return true
      }
      head += buffer.toString('latin1', 0, length)
      const id = /^id: (\S+)$/m.exec(head)?.[1]
      if (!head.includes('\r\n\r\n') || (untilId && id === undefined)) return true
      hasBegun = true
      resolve({ socket, head, id: id ?? '' })
      return !isSlow
    }
    const socket = connect({ ...address, onread: { buffer, callback } })
    socket.on('error', reject)
    socket.on('close', () => ended++)
    const id = lastId === undefined ? '' : `Last-Event-ID: ${lastId}\r\n`
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n${id}\r\n`)
  })
}

/** @template Item, Result @param {readonly Item[]} items @param {(item: Item) => Promise<Result>} work */
async function fewAtATime(items, work) {
  const results = []
  for (let at = 0; at < items.length; at += OPENING)
    results.push(...(await Promise.all(items.slice(at, at + OPENING).map(work))))
  return results
}

answerCalls({
  async open(group, count, address, path, options) {
    const numbers = Array.from({ length: count }, (_, index) => index)
    groups.set(group, await fewAtATime(numbers, () => open(address, path, options)))
  },
  /** Before a broadcast: how many are to receive it. @param {number} count */
  expect(count) {
    delays = []
    due = count
    ended = 0
  },
  /** Resolves with the delays of all, in ms, or of those that have come when somebody was cut. */
  async delays() {
    if (delays.length < due)
      await new Promise((resolve) => {
        allHaveCome = () => resolve(undefined)
      })
    return delays
  },
  ended: () => ended,
  /** Each of a group comes back with its ID. Resolves with how many are told that they go on behind it. */
  async resume(group, address, path) {
    const former = groups.get(group) ?? []
    for (const { socket } of former) socket.destroy()
    const clients = await fewAtATime(former, ({ id }) => open(address, path, { lastId: id }))
    groups.set(group, clients)
    return clients.filter(({ head }) => /^tabstream-resumed: 1\r$/m.test(head)).length
  },
})
