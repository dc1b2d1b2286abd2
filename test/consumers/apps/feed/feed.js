import { defineStream, inspect, json } from 'tabstream'

// What the test asks each tab.
globalThis.inspectTabstream = inspect

// The test listens there, and hears of it where a server that renders connects to something.
const url = 'document' in globalThis ? '/events' : 'http://127.0.0.1:45871/events'

export const feed = defineStream(url, { events: { tick: json() } })
