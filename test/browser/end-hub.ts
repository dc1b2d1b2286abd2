import type { HostName } from '../../src/index.ts'
import { killWorker, type Tab } from './browser.ts'
import type { Stage } from './stage.ts'

/** The hub dies, and another one takes over: the worker is killed, or the first tab closed, which leads. Returns the tabs that are left. */
export async function endHub(
  host: HostName,
  { context, server }: Stage,
  tabs: readonly Tab[],
): Promise<Tab[]> {
  const [first, ...others] = tabs
  if (host === 'leader') await first?.page.close()
  else await killWorker(context, server.origin)
  return host === 'leader' ? others : [...tabs]
}
