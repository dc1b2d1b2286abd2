import { eventStream, memoryLog, toNodeHandler } from '../../src/server/index.ts'
import type { Sender } from '../browser/feed.ts'
import type { Stage } from '../browser/stage.ts'

/**
 * Lets a server of `tabstream/server` answer `/events/busy`.
 *
 * @param heartbeat in ms
 * @returns what appends to its log
 */
export function serveByTabstream({ server }: Stage, heartbeat = 15_000): Sender {
  const log = memoryLog()
  const options = { topics: ['busy'], retry: 10, heartbeat }
  server.answer(
    '/events/busy',
    toNodeHandler((request) => eventStream(request, log, options)),
  )
  return {
    send: ({ event = 'message', data = '' }) => void log.append('busy', { name: event, data }),
  }
}
