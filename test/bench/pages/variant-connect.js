import { configure, connect, inspect } from '/dist/index.js'

let isConfigured = false

export function open({ url, names, host, hidden, meter }) {
  // A page may open several streams and is configured once.
  if (!isConfigured) configure({ host })
  isConfigured = true
  const stream = connect(url, { hidden })
  stream.onGap(() => meter.gaps++)
  for (const name of names) stream.on(name, ({ data, id }) => meter.take(data, id))
  return async () => (await inspect()).isHere
}
