import { configure, inspect, SharedEventSource } from '/dist/index.js'

let isConfigured = false

export function open({ url, names, host, meter }) {
  // A page may open several sources and is configured once.
  if (!isConfigured) configure({ host })
  isConfigured = true
  const source = new SharedEventSource(url)
  source.addEventListener('gap', () => meter.gaps++)
  for (const name of names) {
    source.addEventListener(name, ({ data, lastEventId }) => meter.take(data, lastEventId))
  }
  return async () => (await inspect()).isHere
}
