export function open({ url, meter }) {
  const socket = new WebSocket(new URL(url, location.href.replace(/^http/, 'ws')))
  socket.addEventListener('message', ({ data }) => {
    const { seq, payload } = JSON.parse(data)
    meter.take(JSON.stringify(payload), String(seq))
  })
}
