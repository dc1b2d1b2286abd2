export type { CloseMeaning } from '../link/socket.ts'
export { connectSocket } from './connect-socket.ts'
export type { RequestOptions, SharedSocket, SocketMessage, SocketStatus } from './shared-socket.ts'
export type { SocketConnectOptions } from './socket-options.ts'
