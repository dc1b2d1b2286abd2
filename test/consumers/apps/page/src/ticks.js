import { configure, inspect, SharedEventSource } from 'tabstream'
import { connectLines } from 'tabstream/lines'
import { connectTopics } from 'tabstream/topics'
import { connectSocket } from 'tabstream/websocket'

// What the test asks each tab, and says to some.
globalThis.inspectTabstream = inspect
const host = new URLSearchParams(location.search).get('host') ?? 'auto'

/** Shows the latest of the ticks. Other streams are opened when the test says so. */
export function showTicks({ script, ...options } = {}) {
  configure({ ...options, host })
  const events = new SharedEventSource('/events')
  events.addEventListener('tick', ({ data }) => {
    document.querySelector('#latest').textContent = JSON.parse(data).count
  })
  globalThis.openSocket = () => connectSocket('/live', { script })
  globalThis.openOthers = () => [
    connectTopics('/topics', { engine: { topic: '/topic' } }),
    connectLines('/lines', { frame: { name: '/topic' } }),
  ]
}
