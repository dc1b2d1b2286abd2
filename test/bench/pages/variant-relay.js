export function open({ url, names, meter }) {
  const listeners = new Map(names.map((name) => [name, ({ data, id }) => meter.take(data, id)]))
  const { port } = new SharedWorker('/pages/relay-worker.js')
  port.onmessage = ({ data: events }) => {
    for (const event of events) listeners.get(event.name)?.(event)
  }
  port.postMessage(new URL(url, location.href).href)
}
