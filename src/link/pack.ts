import type { Entry, EventEntry, PackedEntries } from './protocol.ts'

/** How many numbers each entry has. */
export const WIDTH = 6

/** From this many numbers on, a typed array is cheaper to copy. */
const MANY = 512

/** In place of a name's index: the entry is the next of `others`. */
const OTHER = 0xffff_ffff

/** In place of an ID's length: the ID is that of the event before. */
const SAME = 0xffff_ffff

/**
 * Packs entries into one text and one array of numbers. To copy an array of objects from thread to thread costs several
 * times as much, and each tab pays for it anew.
 *
 * The price: in V8 a part of a text keeps the whole text alive. A page that keeps the data of one event keeps its batch, a
 * million characters at most. What `JSON.parse` makes of the data does not.
 */
export function pack(entries: readonly Entry[]): PackedEntries {
  const count = entries.length * WIDTH
  const numbers = count < MANY ? new Array<number>(count).fill(0) : new Uint32Array(count)
  const texts: string[] = []
  const names: string[] = []
  const others: PackedEntries['others'][number][] = []
  const indices = new Map<string, number>()
  let first: EventEntry | undefined
  let id: string | undefined
  let at = 0
  for (const entry of entries) {
    if (entry.type === 'event') {
      first ??= entry
      let name = indices.get(entry.name)
      if (name === undefined) {
        name = names.push(entry.name) - 1
        indices.set(entry.name, name)
      }
      texts.push(entry.data)
      numbers[at] = name
      numbers[at + 1] = entry.data.length
      numbers[at + 2] = entry.id === id ? SAME : entry.id.length
      numbers[at + 3] = entry.nth
      numbers[at + 4] = entry.seq - first.seq
      numbers[at + 5] = entry.ordinal - first.ordinal
      if (entry.id !== id) texts.push(entry.id)
      id = entry.id
    } else {
      numbers[at] = OTHER
      others.push(entry)
    }
    at += WIDTH
  }
  return { text: texts.join(''), names, numbers, seq: first?.seq ?? 0, ordinal: first?.ordinal ?? 0, others }
}

/** Reads entries one by one. The reader itself is the event just read: copy what must last. */
export class Reader implements EventEntry {
  readonly type = 'event'
  seq = 0
  name = ''
  data = ''
  id = ''
  nth = 0
  ordinal = 0
  readonly #entries: PackedEntries
  /** Where the next entry begins in the numbers, the text and the others. */
  #at = 0
  #textAt = 0
  #otherAt = 0

  constructor(entries: PackedEntries) {
    this.#entries = entries
  }

  /** How many entries have been read. */
  get count(): number {
    return this.#at / WIDTH
  }

  get isThrough(): boolean {
    return this.#at >= this.#entries.numbers.length
  }

  /** The next entry. An event is the reader itself. */
  next(): Entry | undefined {
    if (this.isThrough) return undefined
    const { numbers, names, text, others, seq, ordinal } = this.#entries
    const at = this.#at
    this.#at += WIDTH
    const name = numbers[at] as number
    if (name === OTHER) return others[this.#otherAt++]
    this.name = names[name] ?? ''
    let end = this.#textAt + (numbers[at + 1] as number)
    this.data = text.slice(this.#textAt, end)
    const idLength = numbers[at + 2] as number
    if (idLength !== SAME) {
      this.id = text.slice(end, end + idLength)
      end += idLength
    }
    this.#textAt = end
    this.nth = numbers[at + 3] as number
    this.seq = seq + (numbers[at + 4] as number)
    this.ordinal = ordinal + (numbers[at + 5] as number)
    return this
  }
}

/** True if the numbers are well-formed and fit the others. Any script may have sent them. */
export const isPacked = ({ numbers, others }: { numbers: unknown; others: readonly unknown[] }): boolean => {
  const isTyped = numbers instanceof Uint32Array
  if (!isTyped && !(Array.isArray(numbers) && numbers.every((number) => number >>> 0 === number)))
    return false
  if (numbers.length % WIDTH !== 0) return false
  let left = others.length
  for (let at = 0; at < numbers.length; at += WIDTH) if (numbers[at] === OTHER) left--
  return left === 0
}

/** The first `count` entries, by default all of them, each as a separate object. */
export function unpack(entries: PackedEntries, count = Number.POSITIVE_INFINITY): Entry[] {
  const reader = new Reader(entries)
  const all: Entry[] = []
  while (all.length < count) {
    const entry = reader.next()
    if (entry === undefined) break
    all.push({ ...entry })
  }
  return all
}
