import type { Inspection } from '../page/inspection.ts'
import { pageClient } from './page-client.ts'

/**
 * Tells where this page's hub lives and what it does: for dashboards, tests and bug reports.
 *
 * @throws {TabstreamError} of type `'no-host'` where `configure({ host })` allows only a host that cannot be had, or
 *   when the page is left before the answer is there.
 * @example
 * const { host, tabs, streams } = await inspect()
 */
export const inspect = (): Promise<Inspection> => pageClient().inspect()
