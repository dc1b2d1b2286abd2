import { UsageError } from './usage.ts'

interface Preset {
  /** Where it is, if no URL is given. */
  readonly url?: string
  /** What is added to a URL without a path. */
  readonly path: string
  readonly address: (url: URL, topics: readonly string[]) => void
  /** What to know about this server. */
  readonly note: string
}

const addParameters = (url: URL, name: string, values: readonly string[]) => {
  for (const value of values) url.searchParams.append(name, value)
}

/** Topics of all these stand in one segment, with commas between them. */
const addSegment = (url: URL, topics: readonly string[], suffix = '') => {
  const segment = topics.map(encodeURIComponent).join(',')
  url.pathname = `${url.pathname.replace(/\/$/, '')}/${segment}${suffix}`
}

const PRESETS: Readonly<Record<string, Preset>> = {
  mercure: {
    path: '/.well-known/mercure',
    address: (url, topics) => addParameters(url, 'topic', topics),
    note: 'Mercure up to 0.2x says in the response header Last-Event-ID after which update it has resumed.',
  },
  'mercure-1': {
    path: '/.well-known/mercure',
    address: (url, topics) => addParameters(url, 'match', topics),
    note: 'Mercure 1.0 says in the response header Mercure-Last-Event-ID after which update it has resumed.',
  },
  nchan: {
    path: '/sub',
    address: (url, topics) => addSegment(url, topics),
    note: 'Nchan sends no heartbeat unless nchan_eventsource_ping_interval is set. A union of channels cannot be resumed reliably.',
  },
  ntfy: {
    path: '',
    address: (url, topics) => addSegment(url, topics, '/sse'),
    note: 'ntfy ignores Last-Event-ID and sends no id: lines. It resumes by the parameter since= of the URL.',
  },
  wikimedia: {
    url: 'https://stream.wikimedia.org',
    path: '/v2/stream',
    address: (url, topics) => addSegment(url, topics.length === 0 ? ['recentchange'] : topics),
    note: 'Wikimedia has a place for each topic in each ID, and several events under one ID.',
  },
  centrifugo: {
    path: '/connection/uni_sse',
    address: (url, topics) => {
      const subs = Object.fromEntries(topics.map((topic) => [topic, {}]))
      url.searchParams.set('cf_connect', JSON.stringify({ subs }))
    },
    note: 'Centrifugo sends no id: lines, and does not support Last-Event-ID.',
  },
}

/** Of the servers that are known. */
export const PRESET_NAMES: readonly string[] = Object.keys(PRESETS)

/**
 * The URL of topics at a server of a known kind, and what to know about that. Throws {@link UsageError} for an unknown one, or where
 * something is missing.
 *
 * @param base the server, or where it takes subscriptions; `undefined` where none was given
 */
export function addressOf(
  name: string,
  base: string | undefined,
  topics: readonly string[],
): { readonly url: string; readonly note: string } {
  const preset = Object.hasOwn(PRESETS, name) ? PRESETS[name] : undefined
  if (preset === undefined)
    throw new UsageError(`there is no preset "${name}": it is one of ${PRESET_NAMES.join(', ')}`)
  const from = base ?? preset.url
  if (from === undefined) throw new UsageError(`--preset ${name} needs the URL of the server`)
  if (topics.length === 0 && preset.url === undefined)
    throw new UsageError(`--preset ${name} needs a topic: --topic NAME`)
  const url = new URL(from)
  if (url.pathname === '/') url.pathname = preset.path
  preset.address(url, topics)
  return { url: url.href, note: preset.note }
}
