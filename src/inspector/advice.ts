import type { ConnectionLife, StreamLife, TabLife } from '../link/protocol.ts'
import { count, duration, number } from './format.ts'
import type { Answer } from './hub.ts'
import type { Words } from './masked.ts'
import type { InspectedStream, Model } from './model.ts'

/** Something that the data say, and what to do about it. */
export interface Advice {
  /** The same as long as it is the same advice. */
  readonly key: string
  /** What it is about: a stream, an origin, a tab or the page. */
  readonly about: string
  readonly says: string
  readonly remedy: string
}

/** A connection without a sign of life is suspect after so many ms. */
const QUIET = 60_000

/** A tab is slow that is so many ms behind. */
const SLOW = 2_000

/** So many failed attempts in a row are no accident. */
const FAILURES = 3

/** So many connections that end within {@link QUIET} are no accident. */
const ENDS = 5

/** More streams than this on one origin take turns, over HTTP/1.1. */
const CONNECTIONS = 4

/** What advice is about, if any is due. */
type Finding = readonly [rule: string, says: string, remedy: string] | false

/** @param what names it, where there may be others of its kind */
const advice = (about: string, findings: readonly Finding[], what = about): Advice[] =>
  findings.flatMap((finding) => {
    if (!finding) return []
    const [rule, says, remedy] = finding
    return { key: `${rule} ${what}`, about, says, remedy }
  })

/** The tabs and streams of one answer, and what has been seen of them before. */
export const adviceOn = (
  answer: Answer,
  { live }: Pick<Model, 'live'>,
  nameOf: (stream: InspectedStream) => string,
  words: Words,
): Advice[] => [
  ...advice('This page', findingsOnPage(answer, words)),
  ...answer.origins.flatMap((one) => advice(one.origin, [findingOnOrigin(one)])),
  ...[...live.values()].flatMap((stream) =>
    advice(nameOf(stream), findingsOnStream(stream, answer.life.now, words), stream.key),
  ),
  ...answer.life.tabs.flatMap((tab) =>
    advice(tabName(tab.id, tab.isYou), [findingOnTab(tab, answer.life.now, live, nameOf)], tab.id),
  ),
]

const findingsOnPage = ({ host, refused, malformed, life }: Answer, words: Words): Finding[] => [
  life.isOffline && ['offline', 'Offline: a panel has asked for it', 'Go online again under Actions.'],
  host === 'direct' && [
    'direct',
    'Shares with no other tab',
    `No better host is available${refused[0] ? `: ${words(refused[0].reason)}` : ''}. Serve the page over HTTPS, and let its Content-Security-Policy allow the worker.`,
  ],
  malformed > 0 && [
    'malformed',
    `${count(malformed, 'message')} made no sense`,
    'Look for a script that posts to channels of tabstream.',
  ],
]

const findingOnOrigin = ({ protocol, live, parked, limit }: Answer['origins'][number]): Finding =>
  isHttp1(protocol) &&
  live + parked > CONNECTIONS && [
    'origin',
    `${live + parked} streams on one HTTP/1.1 origin`,
    `${number(limit)} may connect at a time, ${parked} wait. Serve HTTP/2, or send several names on one stream.`,
  ]

/** What is not known counts as HTTP/1.1, as for the hub. */
const isHttp1 = (protocol: string): boolean => protocol === '' || protocol.startsWith('http/1')

function findingsOnStream({ life, report, heardAt }: InspectedStream, now: number, words: Words): Finding[] {
  const last = life.connections.at(-1)
  const { state, attempt, error, openedAt } = life.status
  const ended = life.connections.filter(({ endedAt }) => endedAt > 0 && now - endedAt < QUIET).length
  return [
    ...(last ? findingsOnHead(last) : []),
    report.logEvents > 0 &&
      report.lastEventId === '' && [
        'ids',
        'No IDs: a gap after each cut',
        'Give each event an id, and send what follows Last-Event-ID to who comes back.',
      ],
    last?.outcome === 'gap' &&
      last.resumeAfter !== '' && [
        'history',
        `The server did not resume after ${last.resumeAfter}`,
        'Keep more history, and send what follows Last-Event-ID.',
      ],
    state === 'open' &&
      now - Math.max(heardAt, openedAt) >= QUIET && [
        'quiet',
        'No sign of life for 60 s',
        'Send a comment every 15 to 30 s, and set idleTimeout to notice a dead connection.',
      ],
    attempt >= FAILURES && [
      'failing',
      `${attempt} attempts in a row have failed`,
      `${error ? words(error.message) : 'The server does not answer'}. Look at the server, its certificate and CORS.`,
    ],
    ended >= ENDS && [
      'ends',
      `${ended} connections have ended within a minute`,
      'Raise the time limits of server and proxies, and send comments more often.',
    ],
  ]
}

function findingsOnHead({ headers, status }: ConnectionLife): Finding[] {
  const head = new Map(headers)
  const encoding = head.get('content-encoding') ?? 'identity'
  return [
    encoding !== 'identity' && [
      'encoding',
      `Compressed (${encoding}): may be buffered`,
      'Turn compression off for text/event-stream, or flush it after each event.',
    ],
    /nginx/i.test(head.get('server') ?? '') &&
      head.get('x-accel-buffering') !== 'no' && [
        'nginx',
        'Behind nginx: may be buffered',
        'Send X-Accel-Buffering: no, or set proxy_buffering off.',
      ],
    status === 200 &&
      head.size > 0 &&
      !/no-store|no-cache/.test(head.get('cache-control') ?? '') && [
        'cache',
        'A cache may keep the stream',
        'Send Cache-Control: no-store.',
      ],
  ]
}

function findingOnTab(
  { isVisible, silentSince, subscriptions }: TabLife,
  now: number,
  live: Model['live'],
  nameOf: (stream: InspectedStream) => string,
): Finding {
  if (isVisible && silentSince > 0 && now - silentSince > SLOW)
    return [
      'silent',
      `Has not answered for ${duration(now - silentSince)}`,
      'Look for long tasks of its main thread.',
    ]
  const [slowest] = subscriptions
    .flatMap((subscription) => {
      const stream = live.get(subscription.stream)
      return stream
        ? { stream, lag: stream.lagOf(subscription, now), waiting: behind(stream.life, subscription.next) }
        : []
    })
    .sort((one, other) => other.lag - one.lag)
  return (
    slowest !== undefined &&
    slowest.lag >= SLOW && [
      'slow',
      `A tab is slow: ${duration(slowest.lag)} behind in ${nameOf(slowest.stream)}`,
      `${count(slowest.waiting, 'event')} wait. Do less in its listeners, or let connect() have lag: 'latest'.`,
    ]
  )
}

/** How many entries a tab has yet to be sent. */
export const behind = ({ lastSeq }: StreamLife, next: number): number => Math.max(lastSeq + 1 - next, 0)

export const tabName = (id: string, isYou: boolean): string => (isYou ? 'This tab' : `Tab ${id.slice(0, 6)}`)
