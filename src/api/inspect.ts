import { inspectClient } from '../page/inspect-client.ts'
import type { Inspection } from '../page/inspection.ts'
import { pageClient } from './page-client.ts'

/**
 * Reports where this page's hub lives and what it does, for dashboards, tests and bug reports.
 *
 * @throws {TabstreamError} of type `'no-host'` if no host that `configure({ host })` allows is available,
 *   or if the page is left before the hub answers
 * @example
 * const { host, tabs, streams } = await inspect()
 */
export const inspect = (): Promise<Inspection> => inspectClient(pageClient())
