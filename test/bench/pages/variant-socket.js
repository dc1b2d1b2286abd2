import { configure, inspect } from '/dist/index.js'
import { connectSocket } from '/dist/websocket.js'

let isConfigured = false

export function open({ url, names, host, meter }, lists = true) {
  if (!isConfigured) configure({ host })
  isConfigured = true
  const frame = { name: '/type', id: '/seq', data: '/payload', ...(lists && { each: '' }) }
  const stream = connectSocket(lists ? `${url}?lists` : url, { frame, resume: { query: 'after' } })
  stream.onGap(() => meter.gaps++)
  for (const name of names) stream.on(name, ({ data, id }) => meter.take(data, id))
  return async () => (await inspect()).isHere
}
