import { open as openSocket } from './variant-socket.js'

export const open = (options) => openSocket(options, false)
