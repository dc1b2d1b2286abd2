import { defineSource } from 'tabstream/source'

/** For a server whose messages are `{ type, seq, payload }`. */
export const source = defineSource(({ options }) => {
  let socket
  return {
    open(connection) {
      const url = new URL(connection.url)
      if (connection.lastEventId !== '') url.searchParams.set(options.after, connection.lastEventId)
      socket = new WebSocket(url)
      socket.onopen = () => connection.opened()
      socket.onmessage = ({ data }) => {
        const { type, seq, payload } = JSON.parse(data)
        connection.emit({ name: type, id: String(seq), data: JSON.stringify(payload) })
      }
      socket.onclose = (event) => connection.failed(event)
      return () => socket.close()
    },
    send(message) {
      if (message.refused) throw new Error('it is refused')
      socket.send(JSON.stringify(message))
    },
  }
})
