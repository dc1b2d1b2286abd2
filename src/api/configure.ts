import type { HostName } from '../link/host.ts'
import { isLimit } from '../link/limit.ts'
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
   * `extendedLifetime` keep a connection only as long as another page is open. Pages with a worker share no connections with
   * pages that differ in having this option.
   * @default false
   */
  keepAlive?: boolean | 'public'
  /**
   * How many connections the hub holds to one origin at most, for all streams together. The streams of visible pages come first.
   * The others are parked: they keep their place, and resume when they are shown or when it is their turn. `'auto'` means
   * four over HTTP/1.x, where a browser opens six for streams and all other requests, and any number over HTTP/2 and HTTP/3.
   * If pages say different numbers, the least counts.
   * @default 'auto'
   */
  connections?: number | 'auto'
  /**
   * Lets this page disturb its hub, by `disturb()` and by the inspector's buttons, for all pages that share it. For development and
   * tests; not for production.
   * @default false
   */
  inspector?: boolean
}

const NAMES = ['worker', 'host', 'namespace', 'keepAlive', 'connections', 'inspector']
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
  const normal = ({
    worker = '',
    host = 'auto',
    namespace = '',
    keepAlive = false,
    connections = 'auto',
    inspector = false,
  }: Options) => [worker, host, namespace, keepAlive, connections, inspector].join('\n')
  return normal(one) === normal(other)
}

function check(wanted: Options): void {
  if (typeof wanted !== 'object' || wanted === null) {
    throw misuse('configure() takes an object, for instance { namespace: "admin" }')
  }
  for (const name of Object.keys(wanted)) {
    if (!NAMES.includes(name)) {
      throw misuse(`configure() knows no option "${name}"; it takes ${NAMES.join(', ')}`)
    }
  }
  const { worker, host, namespace, keepAlive, connections = 'auto', inspector = false } = wanted
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
  if (typeof inspector !== 'boolean') {
    throw misuse(`inspector must be true or false, not ${describe(inspector)}`)
  }
  if (connections !== 'auto' && !isLimit(connections)) {
    throw misuse(`connections must be a whole number of at least 1, or "auto", not ${describe(connections)}`)
  }
}

const isScriptUrl = (value: unknown): boolean =>
  value instanceof URL ||
  Object.prototype.toString.call(value) === '[object TrustedScriptURL]' ||
  (typeof value === 'string' && isUrl(value, globalThis.location?.href ?? 'http://localhost'))
