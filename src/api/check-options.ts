import { isHidden } from '../link/hidden.ts'
import { isPointer } from '../link/identify.ts'
import { LEAST_IDLE_TIMEOUT } from '../link/protocol.ts'
import { describe, isSignal, misuse } from './checks.ts'
import type { ConnectOptions, ResumeOptions, UrlFunction } from './connect-options.ts'

type Check = (value: unknown) => string | undefined

const OPTIONS: Readonly<Record<keyof ConnectOptions, Check>> = {
  method: (value) =>
    typeof value === 'string' && METHOD.test(value) ? undefined : 'the name of a method that fetch() takes',
  body: (value) => (isJson(value) ? undefined : 'a string, or what JSON can express'),
  headers: (value) =>
    typeof value === 'function' || isHeaders(value)
      ? undefined
      : 'an object, or a function that gives one, with names and values that HTTP can carry',
  key: (value) =>
    typeof value === 'string' && value !== ''
      ? undefined
      : 'a string that is not empty; leave it out where there is none',
  credentials: (value) =>
    ['omit', 'same-origin', 'include'].includes(value as string)
      ? undefined
      : '"omit", "same-origin" or "include"',
  withCredentials: (value) => (typeof value === 'boolean' ? undefined : 'true or false'),
  redirect: oneOf('follow', 'error'),
  events: (value) =>
    typeof value === 'object' && value !== null && Object.values(value).every(isDecoder)
      ? undefined
      : 'an object that gives each name json(), text, a function or a schema',
  replay: () => undefined,
  since: (value) =>
    typeof value === 'string' && /^[^\0\r\n]+$/.test(value)
      ? undefined
      : 'an ID without line breaks that is not empty; leave it out where there is none',
  retry: (value) =>
    ['boolean', 'function'].includes(typeof value) ? undefined : 'true, false or a function',
  resume: (value) =>
    value === 'auto' || value === 'none' || isResume(value)
      ? undefined
      : '"auto", "none", or an object of method, url and body',
  ephemeral: () => undefined,
  gapEvents: () => undefined,
  identify: (value) => (isPointer(value) ? undefined : 'a JSON Pointer, such as "/id"'),
  maxRetries: (value) => (isCount(value) ? undefined : 'a whole number, or Infinity'),
  idleTimeout: (value) =>
    value === 0 || (isPositive(value) && (value as number) >= LEAST_IDLE_TIMEOUT)
      ? undefined
      : `a number of ms: ${LEAST_IDLE_TIMEOUT} at least, or 0 for none`,
  maxEventSize: (value) => (isPositive(value) ? undefined : 'a number of characters greater than 0'),
  hidden: (value) => (isHidden(value) ? undefined : '"live", "batch", "park" or { parkAfter: ms }'),
  priority: oneOf('high', 'auto', 'low'),
  lag: oneOf('wait', 'gap', 'latest'),
  until: (value) => (typeof value === 'function' ? undefined : 'a function'),
  signal: (value) => (isSignal(value) ? undefined : 'an AbortSignal'),
}

/** @throws {TabstreamError} of type `'configuration'` where an option makes no sense */
export function checkOptions(url: string | URL | UrlFunction, options: ConnectOptions): ConnectOptions {
  const own = listed(options)
  check(own)
  if (typeof url === 'function' && own.key === undefined) {
    throw misuse('a function for the URL needs a key that names the stream and the user; give one: { key }')
  }
  return own
}

/** An iterator can be gone through only once, so what it gives is listed before it is looked at. */
function listed(options: ConnectOptions): ConnectOptions {
  const headers: unknown = options?.headers
  const isIterable = typeof headers === 'object' && headers !== null && Symbol.iterator in headers
  return isIterable ? { ...options, headers: [...(headers as Iterable<[string, string]>)] } : options
}

function check(options: ConnectOptions): void {
  if (typeof options !== 'object' || options === null) throw misuse('the options of a stream are an object')
  for (const [name, value] of Object.entries(options)) {
    const problemOf = Object.hasOwn(OPTIONS, name) ? OPTIONS[name as keyof ConnectOptions] : undefined
    if (problemOf === undefined) {
      throw misuse(`a stream knows no option "${name}"; it takes ${Object.keys(OPTIONS).join(', ')}`)
    }
    const wanted = value === undefined ? undefined : problemOf(value)
    if (wanted !== undefined) throw misuse(`${name} must be ${wanted}, not ${describe(value)}`)
  }
  checkBody(options)
  if (typeof options.resume === 'object') checkBody(options.resume)
}

function checkBody(request: ResumeOptions): void {
  const method = methodOf(request)
  if (request.body !== undefined && (method === 'GET' || method === 'HEAD')) {
    throw misuse(`a ${method} request has no body; say method: "POST"`)
  }
}

export const methodOf = ({ method = 'GET' }: ResumeOptions): string => method.toUpperCase()

/** A token, and none of those that `fetch` forbids: it would fail again and again. */
const METHOD = /^(?!(connect|trace|track)$)[\w!#$%&'*+.^`|~-]+$/i

/** Objects of the platform, such as a form, would arrive as `{}`. */
function isJson(value: unknown): boolean {
  const kind = Object.prototype.toString.call(value)
  const isForeign = typeof value === 'object' && !['Object', 'Array', 'Null'].includes(kind.slice(8, -1))
  try {
    return JSON.stringify(value) !== undefined && (!isForeign || typeof (value as Date).toJSON === 'function')
  } catch {
    return false
  }
}

function isHeaders(value: unknown): boolean {
  try {
    return typeof value === 'object' && value !== null && new Headers(value as HeadersInit) !== undefined
  } catch {
    return false
  }
}

function oneOf(...words: string[]): Check {
  const list = words.map((word) => `"${word}"`).join(' or ')
  return (value) => (words.includes(value as string) ? undefined : list)
}

const isResume = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.entries(value).every(([name, member]) => {
    if (name === 'url') return isUrl(member)
    return (
      (name === 'method' || name === 'body') && (member === undefined || OPTIONS[name](member) === undefined)
    )
  })

const isUrl = (value: unknown): boolean =>
  value === undefined || typeof value === 'string' || value instanceof URL

const isDecoder = (value: unknown): boolean =>
  typeof value === 'function' || (typeof value === 'object' && value !== null && '~standard' in value)

const isPositive = (value: unknown): boolean => typeof value === 'number' && value > 0

const isCount = (value: unknown): boolean =>
  typeof value === 'number' && value >= 0 && (Number.isInteger(value) || value === Number.POSITIVE_INFINITY)
