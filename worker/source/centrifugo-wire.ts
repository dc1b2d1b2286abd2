import { copyOf } from '../../src/link/copy-of.ts'
import { FailedError, type Failure } from './failure.ts'
import { parsed, saidBy, withParameters } from './frame.ts'
import { type Found, JsonText, wantedBy } from './json-text.ts'
import type { Point, Points } from './points.ts'
import type { ConnectionRequest } from './source.ts'

// How Centrifugo is spoken to by its unidirectional Server-Sent Events.
// [spec] https://centrifugal.dev/docs/transports/uni_client_protocol

const PARAMETER = 'cf_connect'

/** Some servers and proxies take no longer URL. */
const LONGEST_URL = 2_000

/** So many publications of one channel are recovered at most, unless a server is told otherwise. */
const RECOVERED = 300

export interface Publication {
  readonly channel: string
  /** Absent where the channel keeps no history, or not this one. */
  readonly offset: number | undefined
  readonly data: string
}

/** What the server says of a channel that it has subscribed a client to. */
export interface Subscribed {
  /** Where it stands; where it has recovered, where it was asked to go on. Absent where it can recover nothing. */
  readonly point: Point | undefined
  readonly isRecovered: boolean
  readonly publications: readonly Publication[]
}

export type Push =
  | { readonly type: 'connect'; readonly subs: Map<string, Subscribed> }
  | { readonly type: 'publication'; readonly publication: Publication }
  | { readonly type: 'subscribe'; readonly channel: string; readonly subscribed: Subscribed }
  | { readonly type: 'unsubscribe'; readonly channel: string }
  | { readonly type: 'disconnect'; readonly failure: Failure }
  /** A heartbeat, or what no page is told. */
  | { readonly type: 'other' }

/**
 * Asks for channels, in one value with all else that a client says.
 *
 * @param token name of the header that goes into this value as the connection's token
 * @param points where those go on that do
 */
export function requestFor(
  connection: ConnectionRequest,
  token: string | undefined,
  channels: ReadonlySet<string>,
  points: Points,
): ConnectionRequest {
  const { url, method, body, headers, maxEventSize } = connection
  const held = headers.find(([name]) => name === token)?.[1]
  const given = [new URL(url).searchParams.get(PARAMETER), body].map((text) => Object(parsed(text ?? '')))
  const connect = JSON.stringify({
    ...given[0],
    ...given[1],
    ...(held !== undefined && { token: held.replace(/^bearer\s+/i, '') }),
    subs: Object.fromEntries(
      [...channels].map((channel) => {
        const point = points.get(channel)
        return [channel, point === undefined ? {} : { recover: true, ...point }]
      }),
    ),
  })
  const asked = withParameters(url, [[PARAMETER, connect]])
  const isShort = method === 'GET' && asked.length <= LONGEST_URL
  return {
    ...connection,
    ...(isShort ? { url: asked } : { url: withoutParameter(url), method: 'POST', body: connect }),
    headers: headers.filter(([name]) => name !== token),
    resumeAfter: '',
    // One frame holds all that is recovered.
    maxEventSize: maxEventSize * RECOVERED * (channels.size + 1),
  }
}

function withoutParameter(url: string): string {
  const { href, searchParams } = new URL(url)
  if (!searchParams.has(PARAMETER)) return url
  const bare = new URL(href)
  bare.searchParams.delete(PARAMETER)
  return bare.href
}

type PushPart = 'connect' | 'channel' | 'pub' | 'data' | 'offset' | 'subscribe' | 'unsubscribe' | 'disconnect'

const PUSH = wantedBy<PushPart>([
  ['connect', ['connect']],
  ['channel', ['channel']],
  ['pub', ['pub']],
  ['data', ['pub', 'data']],
  ['offset', ['pub', 'offset']],
  ['subscribe', ['subscribe']],
  ['unsubscribe', ['unsubscribe']],
  ['disconnect', ['disconnect']],
])

type SubscribedPart = 'epoch' | 'offset' | 'recovered' | 'publications'

const SUBSCRIBED = wantedBy<SubscribedPart>([
  ['epoch', ['epoch']],
  ['offset', ['offset']],
  ['recovered', ['recovered']],
  ['publications', ['publications']],
])

type PublicationPart = 'data' | 'offset'

const PUBLICATION = wantedBy<PublicationPart>([
  ['data', ['data']],
  ['offset', ['offset']],
])

/**
 * What a frame says; nothing where it is no JSON.
 *
 * @param channels those that have been asked for
 */
export function pushOf(text: string, channels: ReadonlySet<string>): Push | undefined {
  const found = new JsonText<PushPart>(text).whole(PUSH)
  if (found === undefined) return undefined
  const { connect, pub, subscribe, unsubscribe, disconnect } = found
  const channel = saidBy(found.channel)
  if (connect !== undefined) return { type: 'connect', subs: subsOf(connect, channels) }
  if (disconnect !== undefined) return { type: 'disconnect', failure: failureOf(disconnect) }
  if (channel === undefined || !channels.has(channel)) return { type: 'other' }
  if (pub !== undefined) return { type: 'publication', publication: publicationOf(channel, found) }
  if (subscribe !== undefined)
    return { type: 'subscribe', channel, subscribed: subscribedOf(channel, subscribe) }
  return unsubscribe === undefined ? { type: 'other' } : { type: 'unsubscribe', channel }
}

function subsOf(connect: string, channels: ReadonlySet<string>): Map<string, Subscribed> {
  const wanted = wantedBy([...channels].map((channel) => [channel, ['subs', channel]]))
  const found = new JsonText<string>(connect).whole(wanted) ?? {}
  return new Map(
    Object.entries(found).map(([channel, sub]) => [channel, subscribedOf(channel, sub ?? '')] as const),
  )
}

function subscribedOf(channel: string, sub: string): Subscribed {
  const { epoch, offset, recovered, publications } = new JsonText<SubscribedPart>(sub).whole(SUBSCRIBED) ?? {}
  const named = saidBy(epoch)
  const missed: Publication[] = []
  // A part of the frame would keep all of it in memory.
  const isRead = new JsonText<PublicationPart>(publications ?? '[]').elements(PUBLICATION, (publication) => {
    missed.push(publicationOf(channel, publication, copyOf))
  })
  return {
    // What is zero or empty is left out.
    point: named ? { epoch: copyOf(named), offset: Number(offset ?? 0) } : undefined,
    isRecovered: recovered === 'true',
    publications: isRead ? missed : [],
  }
}

function publicationOf(
  channel: string,
  { offset, data = '' }: Found<PublicationPart>,
  keep = (text: string) => text,
): Publication {
  return {
    channel,
    offset: offset === undefined ? undefined : Number(offset),
    data: keep(saidBy(data) ?? data),
  }
}

/** [spec] https://centrifugal.dev/docs/server/codes */
export const CODES = { expired: 3005, invalidToken: 3500, connectionLimit: 3504 } as const

/**
 * Why the server ends the connection.
 *
 * [spec] Codes from 3500 to 3999 and from 4500 to 4999 say that a client does not come back.
 * https://centrifugal.dev/docs/server/codes
 */
function failureOf(disconnect: string): Failure {
  const { code = 0, reason = '' } = Object(parsed(disconnect))
  return new FailedError(`the server has ended the connection: ${reason} (${code})`, {
    isFinal: (code >= 3500 && code < 4000) || (code >= 4500 && code < 5000),
    status: code === CODES.invalidToken ? 401 : 0,
    closeCode: code,
    body: String(reason),
  }).failure
}
