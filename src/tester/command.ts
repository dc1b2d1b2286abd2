import { readFileSync } from 'node:fs'
import { validateHeaderName, validateHeaderValue } from 'node:http'
import { parseArgs } from 'node:util'
import { type Expectation, expectationOf } from './expectations.ts'
import { addressOf } from './presets.ts'
import type { Secrets } from './secrets.ts'
import type { TestOptions } from './tester.ts'
import { UsageError } from './usage.ts'

const OPTIONS = {
  method: { type: 'string' },
  header: { type: 'string', multiple: true },
  cookie: { type: 'string', multiple: true },
  body: { type: 'string' },
  'last-event-id': { type: 'string' },
  origin: { type: 'string' },
  preset: { type: 'string' },
  topic: { type: 'string', multiple: true },
  'public-only': { type: 'boolean' },
  'cut-after': { type: 'string' },
  'cut-on-enter': { type: 'boolean' },
  duration: { type: 'string' },
  json: { type: 'boolean' },
  raw: { type: 'boolean' },
  'show-secrets': { type: 'boolean' },
  expect: { type: 'string', multiple: true },
  within: { type: 'string' },
  'copy-as': { type: 'string' },
  help: { type: 'boolean' },
  version: { type: 'boolean' },
} as const

/** Timers take no more, in ms: an hour is enough. */
const LONGEST = 3_600_000

/** What a user has asked for. */
export interface Command {
  readonly request: Pick<TestOptions, 'url' | 'method' | 'headers' | 'body' | 'cookie' | 'origin'>
  readonly cutAfter: number
  /** The user cuts connections as well. */
  readonly isCutOnEnter: boolean
  /** In ms. */
  readonly duration: number
  readonly expectations: readonly Expectation[]
  readonly isPublicOnly: boolean
  readonly isJson: boolean
  readonly isRaw: boolean
  readonly showsSecrets: boolean
  /** The format in which the request is printed instead; `undefined` to make it. */
  readonly copyAs: string | undefined
  /** What to know about the kind of server; `''` if nothing. */
  readonly note: string
}

type Values = ReturnType<typeof parsed>['values']

/**
 * Reads the command line. Throws {@link UsageError} where it is wrong; no message repeats a value that can be a secret.
 *
 * @param args what follows `tabstream`
 */
export function commandOf(args: readonly string[]): Command | 'help' | 'version' {
  const { values, positionals } = parsed(args)
  if (values.help) return 'help'
  if (values.version) return 'version'
  const [verb, url, ...others] = positionals
  if (verb === undefined) throw new UsageError('there is nothing to do: tabstream test URL')
  if (verb !== 'test') throw new UsageError(`there is no command "${verb}": it is tabstream test URL`)
  if (others.length > 0)
    throw new UsageError(
      'there is more than one URL: quote it, and give values of options behind their names',
    )
  const { preset, topic: topics = [] } = values
  if (preset === undefined && topics.length > 0) throw new UsageError('--topic needs a --preset')
  if (url !== undefined) checkUrl(url)
  if (preset === undefined && url === undefined) throw new UsageError('there is no URL: tabstream test URL')
  const address = preset === undefined ? { url: url as string, note: '' } : addressOf(preset, url, topics)
  const duration = timeOf(values.duration ?? '10s', '--duration')
  const within = values.within === undefined ? duration : timeOf(values.within, '--within')
  if (values.within !== undefined && !values.expect?.some((text) => text.startsWith('event')))
    throw new UsageError('--within needs an --expect events>=N or event:NAME>=N')
  const expectations = (values.expect ?? []).map((text) => expectationOf(text, within))
  if (values.expect?.includes('cors') && values.origin === undefined)
    throw new UsageError('--expect cors needs the --origin of the pages')
  return {
    request: requestOf(values, address.url),
    cutAfter: countOf(values['cut-after'] ?? '5', '--cut-after'),
    isCutOnEnter: values['cut-on-enter'] === true,
    duration: Math.max(duration, within),
    expectations,
    isPublicOnly: values['public-only'] === true,
    isJson: values.json === true,
    isRaw: values.raw === true,
    showsSecrets: values['show-secrets'] === true,
    copyAs: values['copy-as'],
    note: address.note,
  }
}

/** Learns what must not be shown of a request. */
export function learnFrom({ url, headers, cookie, body }: Command['request'], secrets: Secrets): void {
  secrets.learnUrl(url)
  for (const [name, value] of headers) secrets.learnHeader(name, value)
  if (cookie !== '') secrets.learnHeader('cookie', cookie)
  if (body !== undefined) secrets.learnBody(body)
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true, strict: true })
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    if (!code.startsWith('ERR_PARSE_ARGS')) throw error
    const [sentence = message] = message.split(/\.\s/)
    throw new UsageError(`${sentence}; tabstream --help lists all options`)
  }
}

function requestOf(values: Values, url: string): Command['request'] {
  const body = bodyOf(values.body)
  const method = (values.method ?? (body === undefined ? 'GET' : 'POST')).toUpperCase()
  if (!/^[!#$%&'*+.^_`|~\dA-Z-]+$/.test(method)) throw new UsageError('--method is no name of a method')
  if (body !== undefined && (method === 'GET' || method === 'HEAD'))
    throw new UsageError(`--body cannot go along with ${method}`)
  const headers = new Map((values.header ?? []).map(headerOf))
  if (values['last-event-id'] !== undefined)
    headers.set(
      'last-event-id',
      checkedValue('last-event-id', Buffer.from(values['last-event-id']).toString('latin1')),
    )
  if (body !== undefined && !headers.has('content-type') && isJson(body))
    headers.set('content-type', 'application/json')
  return {
    url: new URL(url).href.replace(/#.*$/s, ''),
    method,
    body,
    headers: [...headers].sort(([one], [other]) => (one < other ? -1 : 1)),
    cookie: checkedValue('cookie', (values.cookie ?? []).join('; ')),
    origin: values.origin === undefined ? '' : originOf(values.origin),
  }
}

function checkUrl(url: string): void {
  if (!URL.canParse(url))
    throw new UsageError('this is no URL: it begins with http:// or https://, and a host name follows')
  const { protocol } = new URL(url)
  if (protocol !== 'http:' && protocol !== 'https:')
    throw new UsageError(`a URL of scheme "${protocol}" cannot be tested: it begins with http:// or https://`)
}

function headerOf(text: string): [string, string] {
  const [, name = '', value] = /^([^:]*):(.*)$/s.exec(text) ?? []
  if (value === undefined) throw new UsageError(`--header needs a name and a value: 'NAME: VALUE'`)
  const lower = name.trim().toLowerCase()
  try {
    validateHeaderName(lower)
  } catch {
    throw new UsageError('--header has a name that is none')
  }
  if (lower === 'cookie') throw new UsageError('--header cannot be Cookie, as in browsers: use --cookie')
  return [lower, checkedValue(lower, value.trim())]
}

function checkedValue(name: string, value: string): string {
  try {
    validateHeaderValue(name, value)
  } catch {
    throw new UsageError(`the header ${name} has characters that no header can have`)
  }
  return value
}

function bodyOf(text: string | undefined): string | undefined {
  if (text?.startsWith('@') !== true) return text
  try {
    return readFileSync(text.slice(1), 'utf8')
  } catch (error) {
    throw new UsageError(`--body cannot be read from the file: ${(error as NodeJS.ErrnoException).code}`)
  }
}

function originOf(text: string): string {
  const isOrigin = URL.canParse(text) && new URL(text).origin === text.replace(/\/$/, '')
  if (!isOrigin) throw new UsageError('--origin is a scheme and a host, for instance https://app.example')
  return new URL(text).origin
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** In ms. A number alone is in seconds. */
function timeOf(text: string, option: string): number {
  const [, number = '', unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(text) ?? []
  const time = Number(number) * { ms: 1, s: 1_000, m: 60_000 }[unit as 'ms' | 's' | 'm']
  if (number === '' || time <= 0 || time > LONGEST)
    throw new UsageError(`${option} is a time from 1ms to 60m, for instance 500ms, 30s or 2m`)
  return time
}

function countOf(text: string, option: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`${option} is a number of events`)
  return Number(text)
}
