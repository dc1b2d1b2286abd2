import type { HostName } from '../link/host.ts'
import { isUrl } from '../link/url.ts'
import { describe, misuse } from './checks.ts'

/** A `TrustedScriptURL` of Trusted Types, for which not every library of types has a name. */
interface TrustedUrl {
  toJSON(): string
}

/** Options of {@link configure}. They apply to the whole page. */
export interface Options {
  /**
   * URL of the worker script, the file `tabstream/worker`; also a `TrustedScriptURL`. Needed only if the bundler does not copy
   * it beside the bundle, or the page requires Trusted Types. It must be of the page's own origin.
   * @default `worker.js` beside the script that holds tabstream
   */
  worker?: string | URL | TrustedUrl
  /**
   * Where the hub may live. `'auto'` uses a SharedWorker. If there is none, the open pages elect a leader
   * among themselves. If the pages cannot reach each other, each page has its own hub.
   * @default 'auto'
   */
  host?: 'auto' | HostName
  /**
   * Pages share connections only with pages of the same namespace. It separates two apps on one origin.
   * @default ''
   */
  namespace?: string
  /**
   * Keeps the worker and its connections for a moment after the last page has gone, so that a multi-page
   * site keeps its connection from page to page: with `true` that of streams with a `key`, because only that tells users apart.
   * `'public'` says that it does not matter whose page comes next, and keeps every stream's. Browsers without
   * `extendedLifetime` keep a connection only as long as another page is open. Pages with this option share no connections
   * with pages that have it not.
   * @default false
   */
  keepAlive?: boolean | 'public'
}

const HOSTS: readonly unknown[] = ['auto', 'shared-worker', 'leader', 'direct']

let options: Options = {}
let isInUse = false

/**
 * Sets options for this page. Call it once, before the first `SharedEventSource`, `connect()` or `inspect()`. Where the same
 * options are in force already, nothing happens.
 *
 * @throws {TabstreamError} of type `'configuration'` if other options are in force already, or if an option is unknown or
 *   invalid
 * @example
 * configure({ worker: '/assets/tabstream-worker.js', namespace: 'admin' })
 */
export function configure(wanted: Options): void {
  check(wanted)
  // Two copies of an app, or a module that is loaded anew, say the same again.
  if (isInUse && isSame(wanted, options)) return
  if (isInUse) {
    throw misuse(
      'configure() was called too late, or twice with different options; call it once, before tabstream is used',
    )
  }
  options = { ...wanted }
  isInUse = true
}

/** Returns the options in force, and locks them. */
export function takeOptions(): Options {
  isInUse = true
  return options
}

/** Options that are left out have their defaults. */
function isSame(one: Options, other: Options): boolean {
  const normal = ({ worker, host = 'auto', namespace = '', keepAlive = false }: Options) =>
    [worker ?? '', host, namespace, keepAlive].join('\n')
  return normal(one) === normal(other)
}

function check(wanted: Options): void {
  if (typeof wanted !== 'object' || wanted === null) {
    throw misuse('configure() takes an object, for instance { namespace: "admin" }')
  }
  for (const name of Object.keys(wanted)) {
    if (!['worker', 'host', 'namespace', 'keepAlive'].includes(name)) {
      throw misuse(`configure() knows no option "${name}"; it takes worker, host, namespace and keepAlive`)
    }
  }
  const { worker, host, namespace, keepAlive } = wanted
  if (worker !== undefined && !isScriptUrl(worker)) {
    throw misuse(`worker must be the URL of tabstream's worker script, not ${describe(worker)}`)
  }
  if (host !== undefined && !HOSTS.includes(host)) {
    throw misuse(`host must be "auto", "shared-worker", "leader" or "direct", not ${describe(host)}`)
  }
  if (namespace !== undefined && typeof namespace !== 'string') {
    throw misuse(`namespace must be a string, not ${describe(namespace)}`)
  }
  if (keepAlive !== undefined && typeof keepAlive !== 'boolean' && keepAlive !== 'public') {
    throw misuse(`keepAlive must be true, "public" or false, not ${describe(keepAlive)}`)
  }
}

const isScriptUrl = (value: unknown): boolean =>
  value instanceof URL ||
  Object.prototype.toString.call(value) === '[object TrustedScriptURL]' ||
  (typeof value === 'string' && isUrl(value, globalThis.location?.href ?? 'http://localhost'))
