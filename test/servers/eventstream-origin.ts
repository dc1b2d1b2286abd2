import type { IncomingMessage } from 'node:http'
import type { Stage } from '../browser/stage.ts'
import { publisher } from './publisher.ts'

/** So many events a response has at most, of all channels. */
const LIMIT = 100

/** What django-eventstream sends before its first event, so that browsers do not wait for more. */
const PADDING = `:${' '.repeat(2_048)}\n\n`

const encode = (data: string, id: string, event = 'message') =>
  `event: ${event}\nid: ${id}\ndata: ${data}\n\n`

const idOf = (positions: ReadonlyMap<string, number>): string =>
  [...positions].map(([channel, position]) => `${encodeURIComponent(channel)}:${position}`).join()

/** The positions of these channels that an ID holds. */
function positionsIn(id: string, channels: readonly string[]): Map<string, number> {
  const entries = id === '' ? [] : id.split(',').map((entry) => entry.split(':'))
  const all = entries.map(
    ([channel = '', position]) => [decodeURIComponent(channel), Number(position)] as const,
  )
  return new Map(all.filter(([channel]) => channels.includes(channel)))
}

/** The last positions that Pushpin has passed on. */
function lastIn({ headers }: IncomingMessage): string {
  const all = [headers['grip-last'] ?? []]
    .flat()
    .join()
    .matchAll(/events-([^;,]+); *last-id=(\d+)/g)
  return [...all].map(([, channel, position]) => `${channel}:${position}`).join()
}

/** An origin that speaks as django-eventstream does behind Pushpin (`views.py`, `eventstream.py`, `eventresponse.py` there). */
export class EventstreamOrigin {
  /** What each channel has had; the first event has the number 1. */
  readonly #events = new Map<string, string[]>()
  /** Up to which number channels have forgotten. */
  readonly #forgotten = new Map<string, number>()
  readonly #post: (channel: string, data: string, number: number) => void

  /** @param path where its stream is @param publishing where Pushpin takes what it is to send */
  constructor({ server }: Stage, path: string, publishing: string) {
    server.answer(path, (request, response) => {
      const { body, instructions } = this.#answer(new URL(request.url ?? '', server.origin), request)
      response.writeHead(200, { 'content-type': 'text/event-stream', ...instructions })
      response.end(body)
    })
    const sender = publisher(({ event: channel = '', data = '', id = '' }) => {
      const format = { content: encode(data.replaceAll('%', '%%'), '%I'), 'content-filters': ['build-id'] }
      const item = {
        channel: `events-${encodeURIComponent(channel)}`,
        id,
        'prev-id': String(Number(id) - 1),
        formats: { 'http-stream': format },
      }
      const headers = { 'content-type': 'application/json' }
      return { url: publishing, headers, body: JSON.stringify({ items: [item] }) }
    })
    this.#post = (event, data, number) => sender.send({ event, data, id: String(number) })
  }

  send(channel: string, data: string): void {
    const events = this.#of(channel)
    this.#post(channel, data, events.push(data))
  }

  /** Nothing that a channel has had can be asked for any more. */
  forget(channel: string): void {
    this.#forgotten.set(channel, this.#of(channel).length)
  }

  #of(channel: string): string[] {
    const events = this.#events.get(channel) ?? []
    this.#events.set(channel, events)
    return events
  }

  #answer(url: URL, request: IncomingMessage) {
    const channels = url.searchParams.getAll('channel')
    const isNext = url.searchParams.get('link') === 'next'
    const isRecovering = url.searchParams.get('recover') === 'true'
    const said = request.headers['last-event-id'] ?? url.searchParams.get('lastEventId') ?? ''
    const positions = positionsIn(isRecovering ? lastIn(request) : String(said), channels)
    const most = Math.max(1, Math.floor(LIMIT / channels.length))
    const resets: string[] = []
    let isMore = false
    const items = channels.map((channel) => {
      const events = this.#of(channel)
      const after = positions.get(channel) ?? events.length
      const isKnown = after >= (this.#forgotten.get(channel) ?? 0) && after <= events.length
      if (!isKnown) resets.push(channel)
      positions.set(channel, isKnown ? after : events.length)
      const left = isKnown ? events.slice(after) : []
      isMore ||= left.length > most
      return [channel, left.slice(0, most)] as const
    })
    let body = isNext ? '' : `${PADDING}event: stream-open\ndata:\n\n`
    if (resets.length > 0)
      body += encode(JSON.stringify({ channels: resets }), idOf(positions), 'stream-reset')
    for (const [channel, events] of items) {
      for (const data of events) {
        positions.set(channel, (positions.get(channel) ?? 0) + 1)
        body += encode(data, idOf(positions))
      }
    }
    return { body, instructions: this.#instructions(url, channels, positions, isMore) }
  }

  /** What Pushpin is to do then. */
  #instructions(
    url: URL,
    channels: readonly string[],
    positions: ReadonlyMap<string, number>,
    isMore: boolean,
  ) {
    const next = new URLSearchParams(channels.map((channel) => ['channel', channel]))
    next.set('link', 'next')
    if (isMore) next.set('lastEventId', idOf(positions))
    else next.set('recover', 'true')
    const names = channels.map(encodeURIComponent)
    return {
      ...(!isMore && { 'grip-hold': 'stream' }),
      'grip-link': `<${url.pathname}?${next}>; rel=next`,
      'grip-channel': channels.map(
        (channel) =>
          `events-${encodeURIComponent(channel)}; prev-id=${positions.get(channel)}; filter=build-id; filter=skip-users`,
      ),
      'grip-set-meta': `id_format="${names.map((name) => `${name.replaceAll('%', '%%')}:%(events-${name})s`).join()}"`,
      'grip-keep-alive': 'event: keep-alive\\ndata:\\n\\n; format=cstring; timeout=20',
    }
  }
}
