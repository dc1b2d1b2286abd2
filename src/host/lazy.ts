import type { Host } from '../link/host.ts'

/** A host whose code is fetched at first use, because most pages have a SharedWorker and never need it. */
export function lazyHost<Name extends Host['name']>(
  name: Name,
  fetchHosts: () => Promise<Readonly<Record<Name, Host>>>,
): Host {
  let host: Host | undefined
  return {
    name,
    async load() {
      host ??= (await fetchHosts())[name]
    },
    open(...link) {
      if (host === undefined) throw new Error('its code has not been loaded')
      return host.open(...link)
    },
    warning: (reasons) => host?.warning?.(reasons) ?? reasons,
    isHere: () => host?.isHere?.() ?? false,
    leave: () => host?.leave?.(),
  }
}
