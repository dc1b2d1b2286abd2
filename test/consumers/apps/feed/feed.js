import { defineStream, inspect, json } from 'tabstream'
import { connectSocket } from 'tabstream/websocket'

// What the test asks each tab.
globalThis.inspectTabstream = inspect

// The test listens there, and hears of it where a server that renders connects to something.
const base = 'document' in globalThis ? '' : 'http://127.0.0.1:25871'

export const feed = defineStream(`${base}/events`, { events: { tick: json() } })

// A page opens it when the test says so, a server that renders at once.
globalThis.openSocket = () => connectSocket(`${base}/live`)
if (base !== '') globalThis.openSocket()
