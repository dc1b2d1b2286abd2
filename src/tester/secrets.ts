/** What is shown in place of a secret. */
export const MASK = '***'

/** A shorter text is no secret: replacing it wherever it occurs would spoil the report. */
const SHORTEST = 6

/** So many characters of a secret are recognised where a text has been cut within it. */
const PART = 4

/** Headers whose values say nothing of a user. All other request headers are masked. */
const PLAIN_REQUEST_HEADERS = [
  'accept',
  'accept-encoding',
  'accept-language',
  'cache-control',
  'content-type',
  'host',
  'last-event-id',
  'origin',
  'user-agent',
]

const SECRET_NAME = /auth|cookie|credential|jwt|key|password|secret|session|signature|ticket|token/i

/** Parameters of the presets that name topics. */
const PLAIN_PARAMETERS = ['topic', 'match']

/**
 * Keeps secrets out of the report: by the place where they stand, and wherever else a server has repeated them.
 *
 * Masked are the values of request headers but for harmless ones, of response headers whose names tell of secrets, and of
 * parameters of URLs; user names and passwords in URLs; and bodies.
 */
export class Secrets {
  readonly #isShown: boolean
  /** Longest first. */
  #known: readonly string[] = []

  /** @param isShown nothing is masked */
  constructor(isShown: boolean) {
    this.#isShown = isShown
  }

  /** Learns the values in a request header, or in a response header with a secret. */
  learnHeader(name: string, value: string): void {
    if (isPlainHeader(name)) return
    const [, credentials = ''] = /^\S+ +(.+)$/.exec(value) ?? []
    const decoded = /^basic /i.test(value) ? Buffer.from(credentials, 'base64').toString() : ''
    const pairs = value.split(/[;,]\s*/).map((pair) => pair.slice(pair.indexOf('=') + 1))
    this.#learn(value, credentials, decoded, ...decoded.split(':'), ...pairs)
  }

  /** Learns what a URL has in its parameters, and before its host. */
  learnUrl(url: string): void {
    const parsed = parsedUrl(url)
    if (parsed === undefined) return
    for (const [name, value] of parsed.searchParams)
      if (!PLAIN_PARAMETERS.includes(name)) this.learnBody(value)
    for (const pair of parsed.search.slice(1).split('&')) {
      const [name = '', value = ''] = pair.split('=')
      if (!PLAIN_PARAMETERS.includes(name)) this.#learn(value)
    }
    this.#learn(decoded(parsed.username), decoded(parsed.password), parsed.username, parsed.password)
  }

  /** Learns a body: the whole of it, and the texts in JSON or a form. */
  learnBody(body: string): void {
    this.#learn(body, ...textsIn(body), ...new URLSearchParams(body).values())
  }

  /** Learns the value of a response header, where its name tells of a secret. */
  learnResponseHeader(name: string, value: string): void {
    if (SECRET_NAME.test(name)) this.learnHeader(name, value.replace(/;.*$/s, ''))
  }

  /** The value of a request header as it may be shown. */
  requestHeader(name: string, value: string): string {
    return this.#isShown || isPlainHeader(name) ? this.scrub(value) : MASK
  }

  /** The value of a response header as it may be shown. */
  responseHeader(name: string, value: string): string {
    if (this.#isShown) return value
    if (SECRET_NAME.test(name)) return MASK
    return this.scrub(/^(?:content-)?location$|^link$|^refresh$/.test(name) ? this.url(value) : value)
  }

  /** The URL as it may be shown. It may be relative. */
  url(url: string): string {
    if (this.#isShown) return url
    const [, beforeQuery = '', query, fragment] = /^([^?#]*)(\?[^#]*)?(#.*)?$/s.exec(url) ?? []
    const path = beforeQuery.replace(/^([a-z][a-z\d+.-]*:\/\/)[^/]*@/i, `$1${MASK}@`)
    const pairs = query
      ?.slice(1)
      .split('&')
      .map((pair) => {
        const [name = '', value] = pair.split(/=(.*)/s)
        return value === undefined || PLAIN_PARAMETERS.includes(name) ? pair : `${name}=${MASK}`
      })
    return this.scrub(
      `${path}${pairs === undefined ? '' : `?${pairs.join('&')}`}${fragment ? `#${MASK}` : ''}`,
    )
  }

  /** A body as it may be shown. */
  body(text: string): string {
    return this.#isShown ? text : MASK
  }

  /** The text without any known secret, or a part of one at its ends. */
  scrub(text: string): string {
    return this.#replaced(text, () => MASK)
  }

  /** The same, and as long as before. */
  blank(text: string): string {
    return this.#replaced(text, (secret) => '*'.repeat(secret.length))
  }

  #replaced(text: string, mask: (secret: string) => string): string {
    if (this.#isShown || text === '') return text
    let result = text
    for (const secret of this.#known) {
      if (result.includes(secret)) result = result.split(secret).join(mask(secret))
    }
    for (const secret of this.#known) {
      if (result.length >= PART && secret.includes(result)) return mask(result)
      const begun = lengthOfBegun(result, secret)
      if (begun > 0) result = result.slice(0, -begun) + mask(secret.slice(0, begun))
      const ended = lengthOfEnded(result, secret)
      if (ended > 0) result = mask(secret.slice(-ended)) + result.slice(ended)
    }
    return result
  }

  #learn(...texts: readonly string[]): void {
    const all = texts.flatMap((text) => [text, encoded(text)])
    const known = new Set([...this.#known, ...all.filter((text) => text.length >= SHORTEST)])
    this.#known = [...known].sort((one, other) => other.length - one.length)
  }
}

const isPlainHeader = (name: string): boolean => PLAIN_REQUEST_HEADERS.includes(name.toLowerCase())

/** How much of the secret's beginning the text ends with. */
function lengthOfBegun(text: string, secret: string): number {
  for (let length = Math.min(secret.length - 1, text.length); length >= PART; length--) {
    if (text.endsWith(secret.slice(0, length))) return length
  }
  return 0
}

/** How much of the secret's end the text begins with. */
function lengthOfEnded(text: string, secret: string): number {
  for (let length = Math.min(secret.length - 1, text.length); length >= PART; length--) {
    if (text.startsWith(secret.slice(-length))) return length
  }
  return 0
}

function parsedUrl(url: string): URL | undefined {
  try {
    return new URL(url)
  } catch {
    return undefined
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** As it stands in a URL. */
function encoded(text: string): string {
  try {
    return encodeURIComponent(text)
  } catch {
    return text
  }
}

/** All texts in a JSON value; none where it is no JSON. */
function textsIn(json: string): string[] {
  const texts: string[] = []
  try {
    JSON.parse(json, (_key, value: unknown) => {
      if (typeof value === 'string') texts.push(value)
      return value
    })
  } catch {
    return []
  }
  return texts
}
