import type { LinkEndpoint } from './endpoint.ts'
import { isHidden } from './hidden.ts'
import { isPointer } from './identify.ts'
import { isLimit } from './limit.ts'
import { isPacked } from './pack.ts'
import {
  type Attachment,
  type Batch,
  type ConnectionError,
  type Disturbance,
  EVENT_SOURCE_POLICY,
  type Habit,
  LATER,
  LEAST_IDLE_TIMEOUT,
  LONGEST_TIMER,
  type Look,
  type PackedEntries,
  type Passed,
  type Policy,
  type Position,
  type ResumeRequest,
  type Seen,
  type SourceRequest,
  type StateEntry,
  type StreamRequest,
  type Subscription,
} from './protocol.ts'
import { isUrl } from './url.ts'

/** The methods that the other end may call, each with a check of its arguments. */
export type Calls = Readonly<Record<string, (...args: unknown[]) => boolean>>

/** The methods of `HubSide`. */
export const HUB_CALLS: Calls = {
  attach: (attachment) =>
    isRecord(attachment) &&
    isString(attachment.tabId) &&
    typeof attachment.holdsLock === 'boolean' &&
    (attachment.protocol === undefined || isString(attachment.protocol)) &&
    (attachment.connections === undefined || isLimit(attachment.connections)) &&
    (attachment.mayDisturb === undefined || attachment.mayDisturb === true),
  subscribe: (subscription) => isSubscription(subscription),
  unsubscribe: (id) => isInteger(id),
  end: (id, request) => isInteger(id) && (request === undefined || isRequest(request)),
  working: (id) => isInteger(id),
  reconnect: (id) => isInteger(id),
  send: (id) => isInteger(id),
  detach: () => true,
  wake: (isVisible) => typeof isVisible === 'boolean',
  hide: () => true,
  ping: () => true,
  inspect: () => true,
  look: (look) =>
    isRecord(look) &&
    isInteger(look.entries) &&
    isRecord(look.seen) &&
    Object.values(look.seen).every(isInteger),
  disturb: (disturbance) =>
    isRecord(disturbance) &&
    (disturbance.stream === undefined || isString(disturbance.stream)) &&
    (disturbance.isOffline === undefined || typeof disturbance.isOffline === 'boolean') &&
    ['cut', 'reconnect', 'offline', 'skip', 'end-hub'].includes(disturbance.type as string),
}

/** The methods of `TabSide`. */
export const TAB_CALLS: Calls = {
  deliver: (batch) =>
    isRecord(batch) &&
    isString(batch.hubId) &&
    isInteger(batch.subscription) &&
    isInteger(batch.epoch) &&
    isEntries(batch.entries) &&
    isPosition(batch.position) &&
    typeof batch.beginsAnew === 'boolean' &&
    typeof batch.mayWait === 'boolean',
  details: (id, reason, round) => isInteger(id) && isString(reason) && isString(round),
  part: (id) => isInteger(id),
  retryDelay: (id, attempt, error) => isInteger(id) && isInteger(attempt) && isConnectionError(error),
  warn: (message) => isString(message),
  ping: () => true,
}

/**
 * Wraps an endpoint so that it receives only what Comlink may have sent at the other end, because any script
 * of the origin can write to a BroadcastChannel. Messages written after `close` are dropped, as by a
 * MessagePort. An answer that may wait is sent in one message with the next one.
 *
 * @param calls what the other end may call
 * @param dropped called for each incoming message that is dropped
 */
export function guarded(endpoint: LinkEndpoint, calls: Calls, dropped: () => void): LinkEndpoint {
  const listeners = new Set<EventListenerOrEventListenerObject>()
  let isClosed = false
  let waiting: unknown[] = []
  const isFit = (message: unknown) => isAnswer(message) || isCall(message, calls)
  const hear = (data: unknown) => {
    // Comlink reads nothing but `data`, and a real event would cost more than the rest of this function.
    const event = { data } as MessageEvent
    for (const listener of listeners) {
      if (typeof listener === 'function') listener(event)
      else listener.handleEvent(event)
    }
  }
  endpoint.addEventListener('message', (event) => {
    if (isClosed) return
    const { data } = event as MessageEvent
    const messages: unknown[] = Array.isArray(data) ? data : [data]
    if (messages.length === 0 || !messages.every(isFit)) dropped()
    else for (const message of messages) hear(message)
  })
  return {
    postMessage(message) {
      if (isClosed) return
      if (isAnswer(message) && message.value === LATER) {
        waiting.push(message)
      } else if (waiting.length > 0) {
        endpoint.postMessage([...waiting, message])
        waiting = []
      } else {
        endpoint.postMessage(message)
      }
    },
    addEventListener: (_type, listener) => listeners.add(listener),
    removeEventListener: (_type, listener) => listeners.delete(listener),
    start: () => endpoint.start?.(),
    close() {
      isClosed = true
      endpoint.close()
    },
  }
}

function isCall(message: unknown, calls: Calls): boolean {
  if (!isRecord(message) || !isString(message.id) || message.type !== 'APPLY') return false
  const { path, argumentList } = message
  if (!Array.isArray(path) || path.length !== 1 || !Array.isArray(argumentList)) return false
  if (!isString(path[0]) || !Object.hasOwn(calls, path[0])) return false
  if (!argumentList.every((argument) => isRecord(argument) && argument.type === 'RAW')) return false
  return calls[path[0]]?.(...argumentList.map(({ value }) => value)) === true
}

/** True for the value that a call has returned, or what it has thrown. */
function isAnswer(message: unknown): message is { readonly value?: unknown } {
  if (!isRecord(message) || !isString(message.id)) return false
  if ('path' in message || 'argumentList' in message) return false
  if (message.type === 'HANDLER') return message.name === 'throw' && isRecord(message.value)
  return message.type === 'RAW'
}

function isSubscription(value: unknown): boolean {
  if (!isRecord(value) || !isInteger(value.id) || !isInteger(value.epoch)) return false
  const { request, policy, names, position, replay, since, seen, renews } = value
  return (
    isRequest(request) &&
    isRecord(policy) &&
    isPolicy({ ...EVENT_SOURCE_POLICY, ...policy }) &&
    Array.isArray(names) &&
    names.every(isString) &&
    (position === undefined || isPosition(position)) &&
    (['undefined', 'number'].includes(typeof replay) || replay === 'all' || isRecord(replay)) &&
    (since === undefined || (isString(since) && isFitForHeader(since))) &&
    (seen === undefined || (isRecord(seen) && arePassed(seen.events) && isInteger(seen.since))) &&
    (renews === undefined || (Array.isArray(renews) && renews.every(isInteger)))
  )
}

const isEntries = (value: unknown): boolean =>
  isRecord(value) &&
  isString(value.text) &&
  Array.isArray(value.names) &&
  value.names.every(isString) &&
  isInteger(value.seq) &&
  isInteger(value.ordinal) &&
  Array.isArray(value.others) &&
  value.others.every(
    (other) => isRecord(other) && (other.error === undefined || isConnectionError(other.error)),
  ) &&
  isPacked({ numbers: value.numbers, others: value.others })

const isConnectionError = (value: unknown): boolean =>
  isRecord(value) &&
  isString(value.message) &&
  isNumber(value.status) &&
  isString(value.contentType) &&
  isString(value.body)

const isRequest = (value: unknown): boolean =>
  isRecord(value) &&
  isString(value.url) &&
  isUrl(value.url) &&
  isString(value.credentials) &&
  isString(value.method) &&
  (value.body === undefined || isString(value.body)) &&
  Array.isArray(value.headers) &&
  value.headers.every((header) => Array.isArray(header) && header.length === 2 && header.every(isString)) &&
  isString(value.key) &&
  typeof value.asksHeaders === 'boolean' &&
  (value.asksUrl === undefined || value.asksUrl === true) &&
  (value.resume === undefined || isResumeRequest(value.resume)) &&
  [undefined, 'follow', 'error'].includes(value.redirect as undefined) &&
  (value.source === undefined ||
    (isRecord(value.source) && isString(value.source.script) && isString(value.source.options)))

const isResumeRequest = (value: unknown): boolean =>
  isRecord(value) &&
  (value.url === undefined || (isString(value.url) && isUrl(value.url))) &&
  isString(value.method) &&
  (value.body === undefined || isString(value.body)) &&
  typeof value.isJson === 'boolean'

const isPolicy = (value: unknown): boolean =>
  isRecord(value) &&
  isNumber(value.retries) &&
  typeof value.retriesStatuses === 'boolean' &&
  typeof value.asksRetry === 'boolean' &&
  typeof value.asksEnd === 'boolean' &&
  typeof value.repeatsUnsafe === 'boolean' &&
  typeof value.resumes === 'boolean' &&
  isIdleTimeout(value.idleTimeout) &&
  isNumber(value.maxEventSize) &&
  ['wait', 'gap', 'latest'].includes(value.lag as string) &&
  areNames(value.ephemeral) &&
  areNames(value.gapEvents) &&
  (value.identify === undefined || isPointer(value.identify)) &&
  isHidden(value.hidden) &&
  ['high', 'auto', 'low'].includes(value.priority as string)

const areNames = (value: unknown): boolean =>
  value === undefined || (Array.isArray(value) && value.every(isString))

const isPosition = (value: unknown): boolean =>
  isRecord(value) &&
  isString(value.log) &&
  isInteger(value.seq) &&
  isInteger(value.ordinal) &&
  isString(value.resumeAfter) &&
  isFitForHeader(value.resumeAfter) &&
  isNumber(value.from) &&
  arePassed(value.latest) &&
  typeof value.unproven === 'boolean' &&
  isInteger(value.greeting) &&
  typeof value.mixed === 'boolean' &&
  Array.isArray(value.habits) &&
  value.habits.every(isHabit) &&
  isInteger(value.subscribers)

const arePassed = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.every(
    (passed) =>
      isRecord(passed) &&
      isString(passed.id) &&
      isFitForHeader(passed.id) &&
      isInteger(passed.nth) &&
      isInteger(passed.digest) &&
      (passed.same === undefined || isString(passed.same)) &&
      isInteger(passed.ordinal) &&
      (passed.at === undefined || isNumber(passed.at)) &&
      [undefined, true, false].includes(passed.isAside as undefined) &&
      (passed.topic === undefined || isString(passed.topic)) &&
      [undefined, true, false].includes(passed.beginsAnew as undefined),
  )

const isHabit = (value: unknown): boolean =>
  isRecord(value) &&
  isString(value.name) &&
  typeof value.hasId === 'boolean' &&
  (value.digest === undefined || isInteger(value.digest)) &&
  typeof value.differs === 'boolean'

/** No header can hold these, so no connection could ever be had that resumes after such an ID. No server can give one either. */
const isFitForHeader = (id: string): boolean => !/[\0\r\n]/.test(id)

/** It holds for all who share a stream. */
const isIdleTimeout = (value: unknown): boolean =>
  value === 0 || (isNumber(value) && value >= LEAST_IDLE_TIMEOUT && value <= LONGEST_TIMER)

/** Of any member of a union. */
type Fields<Union> = Union extends unknown ? keyof Union : never

type Key =
  | keyof (Attachment &
      Subscription &
      StreamRequest &
      Policy &
      Batch &
      PackedEntries &
      Position &
      Passed &
      Seen &
      Habit &
      StateEntry &
      ConnectionError &
      ResumeRequest &
      Look &
      SourceRequest)
  | Fields<Disturbance>
  // Of Comlink's messages.
  | 'id'
  | 'type'
  | 'path'
  | 'argumentList'
  | 'name'
  | 'value'

const isRecord = (value: unknown): value is { readonly [key in Key]?: unknown } =>
  typeof value === 'object' && value !== null

const isString = (value: unknown): value is string => typeof value === 'string'

const isInteger = (value: unknown): value is number => Number.isSafeInteger(value)

const isNumber = (value: unknown): value is number => typeof value === 'number' && !Number.isNaN(value)
