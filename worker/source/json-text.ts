const [QUOTE, BACKSLASH, COMMA, COLON, BRACKET, BRACE] = [34, 92, 44, 58, 91, 123]

/** What closes a bracket or a brace lies two code units behind it. */
const CLOSES = 2

const PRIMITIVE = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y

/** What is wanted of a value: parts that it is, by their names, and what is wanted of its members, by their keys. */
export interface Wanted<Part extends string> {
  readonly parts: Part[]
  readonly members: Map<string, Wanted<Part>>
}

export function wantedBy<Part extends string>(
  paths: readonly (readonly [Part, readonly string[]])[],
): Wanted<Part> {
  const whole: Wanted<Part> = { parts: [], members: new Map() }
  for (const [part, keys] of paths) {
    let wanted = whole
    for (const key of keys) {
      const member: Wanted<Part> = wanted.members.get(key) ?? { parts: [], members: new Map() }
      wanted.members.set(key, member)
      wanted = member
    }
    wanted.parts.push(part)
  }
  return whole
}

const NOTHING = { parts: [], members: new Map<string, never>() }

/** What an element consists of: servers write all alike, so that most differ from the one before only in their values. */
interface Layout<Part extends string> {
  readonly values: { readonly before: string; readonly parts: readonly Part[] }[]
  /** Where what follows the last value begins. */
  from: number
  end: string
}

/** Of a text whose elements differ more than that none is learnt. */
const MOST_LAYOUTS = 16

/** As they are written. */
export type Found<Part extends string> = Partial<Record<Part, string>>

/**
 * Reads some values of a text of JSON, and passes over the rest: what a message is about is given to pages as the server has written it, and
 * that is many times as fast as to read all of it and to write that again. Of the rest only quotation marks, brackets and braces count.
 */
export class JsonText<Part extends string> {
  readonly text: string
  /** Where the value ends that has been read last. */
  #end = 0
  #layout: Layout<Part> | undefined

  constructor(text: string) {
    this.text = text
  }

  /** The wanted parts of the whole text; nothing where it is no JSON. */
  whole(wanted: Wanted<Part>): Found<Part> | undefined {
    const found = this.#read(0, wanted)
    return found !== undefined && this.#skip(this.#end) === this.text.length ? found : undefined
  }

  /**
   * Those of each element of the text, which is an array; false where one of them is no JSON.
   *
   * @param take is given them, and where the element begins and ends
   */
  elements(wanted: Wanted<Part>, take: (found: Found<Part>, begin: number, end: number) => void): boolean {
    let layouts = 0
    const isRead = this.#readMembers(this.#skip(0), (_, at) => {
      let found = this.#readAsBefore(at)
      if (found === undefined) {
        this.#layout = layouts++ < MOST_LAYOUTS ? { values: [], from: at, end: '' } : undefined
        found = this.#read(at, wanted)
        if (this.#layout !== undefined) this.#layout.end = this.text.slice(this.#layout.from, this.#end)
      }
      if (found === undefined) return false
      take(found, at, this.#end)
      return true
    })
    return isRead && this.#skip(this.#end) === this.text.length
  }

  #read(from: number, wanted: Wanted<Part>): Found<Part> | undefined {
    const found: Found<Part> = {}
    return this.#find(this.#skip(from), wanted, found) ? found : undefined
  }

  #find(at: number, { parts, members }: Wanted<Part>, found: Found<Part>): boolean {
    const code = this.text.charCodeAt(at)
    const isLookedInto = members.size > 0 && (code === BRACE || code === BRACKET)
    const isRead = isLookedInto
      ? this.#readMembers(at, (key, from) => this.#find(from, members.get(key) ?? NOTHING, found))
      : this.#pass(at)
    if (!isRead) return false
    if (!isLookedInto) this.#learn(at, parts)
    // Next time the value may have what is wanted of it, or be wanted itself.
    if (isLookedInto ? parts.length > 0 : members.size > 0) this.#layout = undefined
    for (const part of parts) found[part] = this.text.slice(at, this.#end)
    return true
  }

  #learn(begin: number, parts: readonly Part[]): void {
    if (this.#layout === undefined) return
    this.#layout.values.push({ before: this.text.slice(this.#layout.from, begin), parts })
    this.#layout.from = this.#end
  }

  /** Reads an element that differs from the one before it only in its values; nothing where it does not. */
  #readAsBefore(begin: number): Found<Part> | undefined {
    const { text } = this
    const layout = this.#layout
    if (layout === undefined) return undefined
    const found: Found<Part> = {}
    let at = begin
    for (const { before, parts } of layout.values) {
      if (!text.startsWith(before, at) || !this.#pass(at + before.length)) return undefined
      for (const part of parts) found[part] = text.slice(at + before.length, this.#end)
      at = this.#end
    }
    this.#end = at + layout.end.length
    return text.startsWith(layout.end, at) ? found : undefined
  }

  /**
   * Of an object, or the elements of an array, whose keys are their indices.
   *
   * @param read reads the value at this place; false where it is no JSON
   */
  #readMembers(begin: number, read: (key: string, at: number) => boolean): boolean {
    const { text } = this
    const kind = text.charCodeAt(begin)
    const closing = kind + CLOSES
    let at = this.#skip(begin + 1)
    for (let index = 0; text.charCodeAt(at) !== closing || index > 0; index++) {
      let key: string | undefined = String(index)
      if (kind === BRACE) {
        if (text.charCodeAt(at) !== QUOTE || !this.#pass(at)) return false
        key = unquoted(text.slice(at, this.#end))
        at = this.#skip(this.#end)
        if (key === undefined || text.charCodeAt(at) !== COLON) return false
        at = this.#skip(at + 1)
      }
      if (!read(key, at)) return false
      at = this.#skip(this.#end)
      const code = text.charCodeAt(at)
      if (code === closing) break
      if (code !== COMMA) return false
      at = this.#skip(at + 1)
    }
    this.#end = at + 1
    return true
  }

  /** Passes over the value that begins here. */
  #pass(begin: number): boolean {
    const { text } = this
    const first = text.charCodeAt(begin)
    if (first === QUOTE) return this.#passString(begin)
    if (first !== BRACKET && first !== BRACE) {
      PRIMITIVE.lastIndex = begin
      const isPrimitive = PRIMITIVE.test(text)
      this.#end = PRIMITIVE.lastIndex
      return isPrimitive
    }
    let depth = 0
    for (let at = begin; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (code === QUOTE) {
        if (!this.#passString(at)) return false
        at = this.#end - 1
      } else if (code >= BRACKET) {
        // Of most texts, nearly all of it is less than that.
        const kind = code & ~(BRACE - BRACKET)
        if (kind === BRACKET) depth++
        else if (kind === BRACKET + CLOSES && --depth === 0) {
          this.#end = at + 1
          return true
        }
      }
    }
    return false
  }

  #passString(begin: number): boolean {
    const { text } = this
    for (let at = text.indexOf('"', begin + 1); at >= 0; at = text.indexOf('"', at + 1)) {
      let escapes = at
      while (text.charCodeAt(escapes - 1) === BACKSLASH) escapes--
      if ((at - escapes) % 2 === 1) continue
      this.#end = at + 1
      return true
    }
    return false
  }

  /** Where what begins here has no more white space before it. */
  #skip(from: number): number {
    let at = from
    while (isSpace(this.text.charCodeAt(at))) at++
    return at
  }
}

const isSpace = (code: number): boolean => code === 32 || code === 10 || code === 13 || code === 9

/** What a string of JSON says; nothing where this is none. */
export function unquoted(json: string): string | undefined {
  if (json.charCodeAt(0) !== QUOTE) return undefined
  if (!json.includes('\\')) return json.slice(1, -1)
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
