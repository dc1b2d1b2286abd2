import type { Host } from '../link/host.ts'

/**
 * A host whose code is fetched at first use, because most pages have a SharedWorker and never need it. It then has the methods
 * of what was fetched, which must need no `this`.
 */
export function lazyHost<Name extends Host['name']>(
  name: Name,
  fetchHosts: () => Promise<Readonly<Record<Name, Host>>>,
): Host {
  const host = {
    name,
    async load() {
      if (!('open' in host)) Object.assign(host, (await fetchHosts())[name])
    },
  } as Host
  return host
}
