import type { Send } from './redis-client.ts'

/** An entry of a Redis stream: an event, or the mark where a history begins. */
export interface Entry {
  /** As Redis writes it: `ms-seq`. */
  readonly id: string
  readonly fields: ReadonlyMap<string, string>
}

/** One history: until Redis loses some of it. */
export interface Era {
  /** Chosen by chance. */
  readonly epoch: string
  /** ID of the entry that marks its beginning. */
  readonly mark: string
}

/** Field of the entry that marks the beginning of a history: its epoch. */
export const EPOCH = 'epoch'

/**
 * Begins a history where there is none, or where the one that is expected has been found to be incomplete.
 * KEYS: the history's key, the stream. ARGV: an epoch for the next history, the epoch of the one that is incomplete.
 */
const BEGIN = `
local era = redis.call('GET', KEYS[1])
if era and string.match(era, '^%S+') ~= ARGV[2] then return era end
era = ARGV[1] .. ' ' .. redis.call('XADD', KEYS[2], '*', '${EPOCH}', ARGV[1])
redis.call('SET', KEYS[1], era)
return era`

/** How long, in seconds, an idempotency key is known. */
const KNOWN_FOR = 600

/** KEYS, further: what is known of an idempotency key. ARGV, further: how many entries are kept, the ID of the first that is, what is added. */
const APPEND = `
local known = KEYS[3] and redis.call('GET', KEYS[3])
if known then return known end
local era = redis.call('GET', KEYS[1])
if not era then
  era = ARGV[1] .. ' ' .. redis.call('XADD', KEYS[2], '*', '${EPOCH}', ARGV[1])
  redis.call('SET', KEYS[1], era)
end
local reply = era .. ' ' .. redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*', unpack(ARGV, 4))
if ARGV[3] ~= '' then redis.call('XTRIM', KEYS[2], 'MINID', '~', ARGV[3]) end
if KEYS[3] then redis.call('SET', KEYS[3], reply, 'EX', '${KNOWN_FOR}') end
return reply`

/** The commands of a log on its keys, by whatever connection. */
export class RedisStream {
  readonly #send: Send
  readonly #prefix: string
  readonly #eraKey: string
  readonly key: string

  /** @param prefix of all keys; in braces, so that a cluster keeps them together */
  constructor(send: Send, prefix: string) {
    this.#send = send
    this.#prefix = `{${prefix}}:`
    this.key = `${this.#prefix}events`
    this.#eraKey = `${this.#prefix}era`
  }

  /**
   * @param epoch begins the next history where it has to
   * @param incomplete epoch of the history that is not to go on
   */
  async era(epoch: string, incomplete = ''): Promise<Era> {
    return eraOf(await this.#send('EVAL', BEGIN, '2', this.#eraKey, this.key, epoch, incomplete))
  }

  /** @param minId '' for none */
  async append(
    epoch: string,
    maxLength: number,
    minId: string,
    fields: readonly string[],
    idempotencyKey: string | undefined,
  ): Promise<{ era: Era; id: string }> {
    const keys = [this.#eraKey, this.key]
    if (idempotencyKey !== undefined) keys.push(`${this.#prefix}appended:${idempotencyKey}`)
    const args = [epoch, String(maxLength), minId, ...fields]
    const reply = await this.#send('EVAL', APPEND, String(keys.length), ...keys, ...args)
    const [, , id = ''] = String(reply).split(' ')
    return { era: eraOf(reply), id }
  }

  /** The oldest entries from this one on. */
  async range(from: string, count: number): Promise<Entry[]> {
    return entriesOf(await this.#send('XRANGE', this.key, from, '+', 'COUNT', String(count)))
  }

  async has(id: string): Promise<boolean> {
    return entriesOf(await this.#send('XRANGE', this.key, id, id)).length > 0
  }

  /** Oldest first. */
  async newest(count: number): Promise<Entry[]> {
    return entriesOf(await this.#send('XREVRANGE', this.key, '+', '-', 'COUNT', String(count))).reverse()
  }

  /** Waits, if it must, for so many ms. */
  async next(after: string, time: number, count: number): Promise<Entry[]> {
    const options = ['BLOCK', String(time), 'COUNT', String(count), 'STREAMS']
    return entriesOf(streamIn(await this.#send('XREAD', ...options, this.key, after)))
  }
}

function eraOf(reply: unknown): Era {
  const [epoch = '', mark = ''] = String(reply).split(' ')
  return { epoch, mark }
}

/** The first stream of a reply to XREAD, which is a list of pairs by one version of Redis's protocol, and a map by the other. */
function streamIn(reply: unknown): unknown {
  if (reply === null || reply === undefined) return []
  if (reply instanceof Map) return [...reply.values()][0]
  if (!Array.isArray(reply)) return Object.values(reply)[0]
  return Array.isArray(reply[0]) ? reply[0][1] : reply[1]
}

const entriesOf = (reply: unknown): Entry[] =>
  (reply as [unknown, unknown[]][]).map(([id, list]) => {
    const fields = new Map<string, string>()
    for (let at = 0; at < list.length; at += 2) fields.set(String(list[at]), String(list[at + 1]))
    return { id: String(id), fields }
  })

/** Whether an ID of Redis comes before another. */
export function isBefore(one: string, other: string): boolean {
  const [[oneTime = 0, oneCount = 0], [otherTime = 0, otherCount = 0]] = [numbersOf(one), numbersOf(other)]
  return oneTime < otherTime || (oneTime === otherTime && oneCount < otherCount)
}

const numbersOf = (id: string): number[] => id.split('-').map(Number)
