export { connectLines } from './connect-lines.ts'
export type { LinesConnectOptions } from './lines-options.ts'
