// What a page needs where it has no SharedWorker: the hub itself, in a file of its own.
export { directHost } from './direct.ts'
export { LeaderHost } from './leader.ts'
