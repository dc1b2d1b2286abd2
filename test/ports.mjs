import { connect, createServer } from 'node:net'

// From here up to where systems begin to give out ports by themselves, to listeners at port 0 and to each outgoing connection: 32,768 on
// Linux, 49,152 elsewhere. A port above is taken by one of these between the moment in which it is found and the one in which it is used.
// Browsers refuse some of those below.
const FIRST = 10_100
const END = 32_768

/**
 * A port of this machine that nobody listens to, and that nobody is given who does not ask for it by number: what stops at it can start at
 * it again.
 *
 * @returns {Promise<number>}
 */
export async function freePort() {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (END - FIRST))
    if (await canListen(port)) return port
  }
}

/** @param {number} port @returns {Promise<boolean>} */
const canListen = (port) =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error) => {
      if ('code' in error && error.code === 'EADDRINUSE') resolve(false)
      else reject(error)
    })
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })

/**
 * Whether somebody listens to a port of this machine. Takes a moment where nobody does.
 *
 * @param {number} port
 * @returns {Promise<boolean>}
 */
export const isListening = (port) =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => setTimeout(resolve, 20, false))
  })
