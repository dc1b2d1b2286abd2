import type { Engine } from '../link/topics.ts'

/**
 * [Mercure](https://mercure.rocks), 0.14 and later: parameters `topic`, one ID for all.
 *
 * @param topic where the data of an update name its topic, such as `/@id`: the hub does not say it
 */
export const mercure = ({ topic }: Required<Pick<Engine, 'topic'>>): Engine => ({ parameter: 'topic', topic })

/** [Nchan](https://nchan.io) with `nchan_channel_id_split_delimiter ","`: `/events/{topics}`. Events named `ping` are its own. */
export const nchan = (): Engine => ({ positions: 'nchan', heartbeats: ['ping'] })

/** [ntfy](https://ntfy.sh): `https://ntfy.sh/{topics}/sse`. Listeners are given the message as ntfy has it, in JSON. */
export const ntfy = (): Engine => ({
  topic: '/topic',
  id: '/id',
  resume: 'since',
  heartbeats: ['open', 'keepalive'],
})

/**
 * [Pushpin](https://pushpin.org) as django-eventstream uses it: parameters `channel`, an ID for each of them in one.
 *
 * @param topic where an event names its channel: a JSON Pointer into its data, or `'event'`
 */
export const pushpin = ({ topic }: Required<Pick<Engine, 'topic'>>): Engine => ({
  parameter: 'channel',
  topic,
  positions: 'eventstream',
  heartbeats: ['keep-alive', 'stream-open'],
  gaps: ['stream-reset'],
  errors: ['stream-error'],
})

/**
 * Wikimedia's [EventStreams](https://stream.wikimedia.org): `https://stream.wikimedia.org/v2/stream/{topics}`. Topics are streams by their whole
 * names, such as `mediawiki.recentchange`.
 */
export const wikimedia = (): Engine => ({
  topic: '/meta/stream',
  id: '/meta/id',
  positions: 'kafka',
  errors: ['error'],
})

/**
 * [Centrifugo](https://centrifugal.dev), 4.0.5 and later, by its `uni_sse`: `/connection/uni_sse`. The client's token is what the header
 * `Authorization: Bearer …` has.
 *
 * @param proxied a connect proxy lets clients in, by the headers of their requests: no token is made of one
 */
export const centrifugo = ({ proxied = false }: { proxied?: boolean } = {}): Engine => ({
  protocol: 'centrifugo',
  ...(!proxied && { token: 'authorization' }),
  // No channel of Centrifugo has such a name.
  gaps: [':unrecovered'],
})
