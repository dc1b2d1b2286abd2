export type { Appended, EventLog, LogEvent, Reading, Start } from './event-log.ts'
export { eventStream } from './event-stream.ts'
export type { EventStreamOptions, Verdict } from './event-stream-options.ts'
export { type MemoryLogOptions, memoryLog } from './memory-log.ts'
export {
  type Handler,
  type NodeHandlerOptions,
  type NodeRequest,
  type NodeResponse,
  toNodeHandler,
} from './node-handler.ts'
export type { IoRedisClient, NodeRedisClient, RedisClient } from './redis-client.ts'
export { type RedisAppended, type RedisLog, type RedisLogOptions, redisLog } from './redis-log.ts'
export { type EventStore, type StoreLog, type StoreLogOptions, storeLog } from './store-log.ts'
