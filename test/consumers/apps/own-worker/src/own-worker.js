import { configure, inspect, SharedEventSource } from 'tabstream/standalone'

// A worker can have no SharedWorker, and the workers of all tabs elect one of them.
configure({ host: 'leader' })

const events = new SharedEventSource('/events')
events.addEventListener('tick', ({ data }) => postMessage({ count: JSON.parse(data).count }))

addEventListener('message', async () => postMessage({ report: await inspect() }))
