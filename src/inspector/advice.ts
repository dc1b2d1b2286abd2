import type { ConnectionLife, StreamLife } from '../link/protocol.ts'
import { count, duration, number } from './format.ts'
import type { Answer } from './hub.ts'
import type { Words } from './masked.ts'
import type { InspectedStream } from './model.ts'

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

/** The tabs and streams of one answer, and what has been seen of them before. */
export const adviceOn = (
  answer: Answer,
  streams: readonly InspectedStream[],
  nameOf: (stream: InspectedStream) => string,
  words: Words,
): Advice[] => [
  ...adviceOnPage(answer, words),
  ...adviceOnOrigins(answer),
  ...streams
    .filter(({ isGone }) => !isGone)
    .flatMap((stream) =>
      adviceOnStream(stream, answer, words).map(([rule, says, remedy]) => ({
        key: `${rule} ${stream.key}`,
        about: nameOf(stream),
        says,
        remedy,
      })),
    ),
  ...adviceOnTabs(answer, streams, nameOf),
]

function adviceOnPage({ host, refused, malformed, life }: Answer, words: Words): Advice[] {
  const about = 'This page'
  const all: Advice[] = []
  const [refusal] = refused
  if (life.isOffline)
    all.push({
      key: 'offline',
      about,
      says: 'Offline: a panel has asked for it',
      remedy: 'Go online again under Actions.',
    })
  if (host === 'direct')
    all.push({
      key: 'direct',
      about,
      says: 'Shares with no other tab',
      remedy: `No better host is available${refusal ? `: ${words(refusal.reason)}` : ''}. Serve the page over HTTPS, and let its Content-Security-Policy allow the worker.`,
    })
  if (malformed > 0)
    all.push({
      key: 'malformed',
      about,
      says: `${count(malformed, 'message')} made no sense`,
      remedy: 'They were ignored. Look for a script that posts to channels of tabstream.',
    })
  return all
}

const adviceOnOrigins = ({ origins }: Answer): Advice[] =>
  origins
    .filter(({ protocol, live, parked }) => isHttp1(protocol) && live + parked > CONNECTIONS)
    .map(({ origin, live, parked, limit }) => ({
      key: `origin ${origin}`,
      about: origin,
      says: `${live + parked} streams on one HTTP/1.1 origin`,
      remedy: `${number(limit)} may connect at a time, ${parked} wait. Serve HTTP/2, or send several names on one stream.`,
    }))

/** What is not known counts as HTTP/1.1, as for the hub. */
const isHttp1 = (protocol: string): boolean => protocol === '' || protocol.startsWith('http/1')

type Finding = [rule: string, says: string, remedy: string]

function adviceOnStream(stream: InspectedStream, { life: { now } }: Answer, words: Words): Finding[] {
  const { life, report, heardAt } = stream
  const last = life.connections.at(-1)
  const findings: Finding[] = last === undefined ? [] : adviceOnHead(last)
  const { state, attempt, error, openedAt } = life.status
  const ended = life.connections.filter(({ endedAt }) => endedAt > 0 && now - endedAt < QUIET).length
  if (report.logEvents > 0 && report.lastEventId === '')
    findings.push([
      'ids',
      'No IDs: a gap after each cut',
      'Give each event an id, and send what follows Last-Event-ID to who comes back.',
    ])
  if (last?.outcome === 'gap' && last.resumeAfter !== '')
    findings.push([
      'history',
      `The server did not resume after ${last.resumeAfter}`,
      'Let it keep more history, and send what follows Last-Event-ID.',
    ])
  if (state === 'open' && now - Math.max(heardAt, openedAt) >= QUIET)
    findings.push([
      'quiet',
      'No sign of life for 60 s',
      'Let it send a comment every 15 to 30 s, and set idleTimeout to notice a dead connection.',
    ])
  if (attempt >= FAILURES)
    findings.push([
      'failing',
      `${attempt} attempts in a row have failed`,
      `${error ? words(error.message) : 'The server does not answer'}. Look at the server, its certificate and CORS.`,
    ])
  if (ended >= ENDS)
    findings.push([
      'ends',
      `${ended} connections have ended within a minute`,
      'Raise the time limits of server and proxies, and send comments more often.',
    ])
  return findings
}

function adviceOnHead({ headers, status }: ConnectionLife): Finding[] {
  const head = new Map(headers)
  const findings: Finding[] = []
  const encoding = head.get('content-encoding') ?? 'identity'
  if (encoding !== 'identity')
    findings.push([
      'encoding',
      `Compressed (${encoding}): may be buffered`,
      'Turn compression off for text/event-stream, or flush it after each event.',
    ])
  if (/nginx/i.test(head.get('server') ?? '') && head.get('x-accel-buffering') !== 'no')
    findings.push([
      'nginx',
      'Behind nginx: may be buffered',
      'Send X-Accel-Buffering: no, or set proxy_buffering off.',
    ])
  if (status === 200 && head.size > 0 && !/no-store|no-cache/.test(head.get('cache-control') ?? ''))
    findings.push(['cache', 'A cache may keep the stream', 'Send Cache-Control: no-store.'])
  return findings
}

function adviceOnTabs(
  { life: { tabs, now } }: Answer,
  streams: readonly InspectedStream[],
  nameOf: (stream: InspectedStream) => string,
): Advice[] {
  return tabs.flatMap(({ id, isYou, isVisible, silentSince, subscriptions }) => {
    const about = tabName(id, isYou)
    if (isVisible && silentSince > 0 && now - silentSince > SLOW)
      return {
        key: `silent ${id}`,
        about,
        says: `Has not answered for ${duration(now - silentSince)}`,
        remedy: 'Something keeps its main thread busy: look for long tasks there.',
      }
    const [slowest] = subscriptions
      .flatMap((subscription) => {
        const stream = streams.find(({ life, isGone }) => life.id === subscription.stream && !isGone)
        return stream
          ? [{ stream, lag: stream.lagOf(subscription, now), behind: behind(stream.life, subscription.next) }]
          : []
      })
      .sort((one, other) => other.lag - one.lag)
    if (slowest === undefined || slowest.lag < SLOW) return []
    return {
      key: `slow ${id}`,
      about,
      says: `A tab is slow: ${duration(slowest.lag)} behind in ${nameOf(slowest.stream)}`,
      remedy: `${count(slowest.behind, 'event')} wait. Do less in its listeners, or let connect() have lag: 'latest'.`,
    }
  })
}

/** How many entries a tab has yet to be sent. */
export const behind = ({ lastSeq }: StreamLife, next: number): number => Math.max(lastSeq + 1 - next, 0)

export const tabName = (id: string, isYou: boolean): string => (isYou ? 'This tab' : `Tab ${id.slice(0, 6)}`)
