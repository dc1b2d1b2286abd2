const { inspect, SharedEventSource } = Tabstream

globalThis.inspectTabstream = inspect

const events = new SharedEventSource('/events')
events.addEventListener('tick', ({ data }) => {
  document.querySelector('#latest').textContent = JSON.parse(data).count
})
