export { connectDurable } from './connect-durable.ts'
export type { DurableConnectOptions } from './durable-options.ts'
