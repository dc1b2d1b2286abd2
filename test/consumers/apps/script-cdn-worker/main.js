const { configure, inspect, SharedEventSource } = Tabstream

globalThis.inspectTabstream = inspect

configure({ worker: '/tabstream-worker.js' })

const events = new SharedEventSource('/events')
events.addEventListener('tick', ({ data }) => {
  document.querySelector('#latest').textContent = JSON.parse(data).count
})
