import type { Look } from '../link/protocol.ts'
import { inspectClient, lookInto } from '../page/inspect-client.ts'
import type { Inspection, LifeInspection } from '../page/inspection.ts'
import { pageClient } from './page-client.ts'

/**
 * Reports where this page's hub lives and what it does, for dashboards, tests and bug reports.
 *
 * @throws {TabstreamError} of type `'no-host'` if no host that `configure({ host })` allows is available,
 *   or if the page is left before the hub answers
 * @example
 * const { host, tabs, streams } = await inspect()
 */
export function inspect(): Promise<Inspection>
/**
 * Reports also the hub's life since the page looked last: pages and how far each is behind, connections with the heads of their
 * responses, and the latest events of streams that this page subscribes to. This is what `tabstream/inspector` shows.
 *
 * @param look what the page has been told already, by `life.streams[].lastSeq`, and how many entries of each stream it wants
 * @example
 * const { life } = await inspect({ seen: {}, entries: 50 })
 */
export function inspect(look: Look): Promise<LifeInspection>
export function inspect(look?: Look): Promise<Inspection> {
  return look === undefined ? inspectClient(pageClient()) : lookInto(pageClient(), look)
}
