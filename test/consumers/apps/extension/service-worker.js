import { configure, inspect, SharedEventSource } from './tabstream/standalone.js'

// A service worker can have no SharedWorker.
configure({ host: 'leader' })

// What the test asks and says.
globalThis.inspectTabstream = inspect
globalThis.listenTo = (url) => {
  const events = new SharedEventSource(url)
  events.addEventListener('tick', ({ data }) => {
    globalThis.latest = JSON.parse(data).count
  })
}
