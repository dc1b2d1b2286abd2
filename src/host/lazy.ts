import type { Host, HostName } from '../link/host.ts'

/** A host whose code is fetched at first use, because most pages have a SharedWorker and never need it. */
export function lazyHost(name: HostName, fetchHost: () => Promise<Host>): Host {
  let host: Host | undefined
  return {
    name,
    async load() {
      host ??= await fetchHost()
    },
    open(generation, notices) {
      if (host === undefined) throw new Error('its code has not been loaded')
      return host.open(generation, notices)
    },
    isHere: () => host?.isHere?.() ?? false,
    leave: () => host?.leave?.(),
  }
}
