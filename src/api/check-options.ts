import { isHidden } from '../link/hidden.ts'
import { isPointer } from '../link/identify.ts'
import { LEAST_IDLE_TIMEOUT } from '../link/protocol.ts'
import { describe, isSignal, misuse } from './checks.ts'
import type { ConnectOptions, ResumeOptions, UrlFunction } from './connect-options.ts'

/** What an option must be, in words, and whether a value is that. */
type Check = readonly [wanted: string, isFit: (value: unknown) => boolean]

/** It is checked where it is used. */
const ANYTHING: Check = ['', () => true]

const OPTIONS: Readonly<Record<keyof ConnectOptions, Check>> = {
  method: ['a method that fetch() takes', (value) => typeof value === 'string' && METHOD.test(value)],
  body: ['a string, or what JSON can express', isJson],
  headers: [
    'an object, or a function that gives one, with names and values that HTTP can carry',
    (value) => typeof value === 'function' || isHeaders(value),
  ],
  key: [
    'a string that is not empty; leave it out where there is none',
    (value) => typeof value === 'string' && value !== '',
  ],
  credentials: oneOf('omit', 'same-origin', 'include'),
  withCredentials: ['true or false', (value) => typeof value === 'boolean'],
  redirect: oneOf('follow', 'error'),
  events: [
    'an object that gives each name json(), text, a function or a schema',
    (value) => typeof value === 'object' && value !== null && Object.values(value).every(isDecoder),
  ],
  replay: ANYTHING,
  since: [
    'an ID without line breaks that is not empty; leave it out where there is none',
    (value) => typeof value === 'string' && /^[^\0\r\n]+$/.test(value),
  ],
  retry: ['true, false or a function', (value) => ['boolean', 'function'].includes(typeof value)],
  resume: [
    '"auto", "none", or an object of method, url and body',
    (value) => value === 'auto' || value === 'none' || isResume(value),
  ],
  ephemeral: ANYTHING,
  gapEvents: ANYTHING,
  identify: ['a JSON Pointer, such as "/id"', isPointer],
  maxRetries: ['a whole number, or Infinity', isCount],
  idleTimeout: [
    `a number of ms: ${LEAST_IDLE_TIMEOUT} at least, or 0 for none`,
    (value) => value === 0 || (isPositive(value) && (value as number) >= LEAST_IDLE_TIMEOUT),
  ],
  maxEventSize: ['a number greater than 0', isPositive],
  hidden: ['"live", "batch", "park" or { parkAfter: ms }', isHidden],
  priority: oneOf('high', 'auto', 'low'),
  lag: oneOf('wait', 'gap', 'latest'),
  until: ['a function', (value) => typeof value === 'function'],
  signal: ['an AbortSignal', isSignal],
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
    if (!Object.hasOwn(OPTIONS, name)) {
      throw misuse(`a stream knows no option "${name}"; it takes ${Object.keys(OPTIONS).join(', ')}`)
    }
    const [wanted, isFit] = OPTIONS[name as keyof ConnectOptions]
    if (value !== undefined && !isFit(value))
      throw misuse(`${name} must be ${wanted}, not ${describe(value)}`)
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
export function isJson(value: unknown): boolean {
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
  return [words.map((word) => `"${word}"`).join(' or '), (value) => words.includes(value as string)]
}

const isResume = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.entries(value).every(([name, member]) => {
    if (name === 'url') return isUrl(member)
    return (name === 'method' || name === 'body') && (member === undefined || OPTIONS[name][1](member))
  })

const isUrl = (value: unknown): boolean =>
  value === undefined || typeof value === 'string' || value instanceof URL

const isDecoder = (value: unknown): boolean =>
  typeof value === 'function' || (typeof value === 'object' && value !== null && '~standard' in value)

function isPositive(value: unknown): boolean {
  return typeof value === 'number' && value > 0
}

function isCount(value: unknown): boolean {
  return (
    typeof value === 'number' && value >= 0 && (Number.isInteger(value) || value === Number.POSITIVE_INFINITY)
  )
}
