import type { GapReason } from '../link/protocol.ts'
import { type Arrival, keyOf } from './arrivals.ts'
import { inNumber, inSeconds, quoted } from './words.ts'

/** What a server does with `Last-Event-ID`. The words are those of the table in docs/guarantees.md. */
export const CATEGORIES = {
  after: 'replays what came after the ID',
  from: 'replays from the ID on, that event included',
  everything: 'repeats all it has on every connection',
  forgets: 'forgets old IDs, and replays what it still has',
  ignores: 'ignores `Last-Event-ID`, or replays nothing when it has forgotten the ID',
  'counts again': 'counts from 1 again, after a restart or on each connection',
  renames: 'gives an event another ID when it sends it again',
  'no IDs': 'sends no IDs',
  'some IDs': 'sends an ID with some events only, and keeps only those',
} as const

export type Category = keyof typeof CATEGORIES

/** What else there is to know of it, in the words of that table. */
export const TRAITS = {
  groups: 'has the same ID on several events, and replays what came after the last of them',
  sparse: 'sends an ID with some events only, and keeps them all',
  frames:
    'greets each connection with an event (with an ID or without), or sends heartbeats as events without an ID',
  late: 'commits some events late, so that a replay contains them between known ones',
  twice: 'sends events twice on one connection',
} as const

export type Trait = keyof typeof TRAITS

export interface ResumptionVerdict {
  readonly answer: 'yes' | 'no' | 'cannot tell'
  readonly category: Category | undefined
  readonly traits: readonly Trait[]
  /** One sentence. */
  readonly words: string
  readonly evidence: readonly string[]
  /** What a page is given by tabstream after a lost connection, as its own judge has decided. */
  readonly tabstream: string
  /** Of the gap that a page was told; `undefined` if none. */
  readonly gap: GapReason | undefined
}

/** What one connection brought that was asked to resume. */
export interface Resumed {
  readonly asked: string
  readonly brought: readonly Arrival[]
  /** Why there was no stream; `''` where there was one. */
  readonly problem: string
  /** How long it was listened to, in seconds. */
  readonly seconds: number
}

/** The same for a connection that was judged. */
export interface Earlier extends Resumed {
  /** There was an earlier ID to ask for, so that the server could show that it resumes. */
  readonly canProve: boolean
  /** The server says that it resumes from elsewhere. */
  readonly isDenied: boolean
  readonly gap: GapReason | undefined
}

/** What the connections have shown. */
export interface Case {
  /** Why there is no stream at all; `''` where there is one. */
  readonly problem: string
  /** All events of the connections before, without repetitions. */
  readonly known: readonly Arrival[]
  /** How long it took to collect them, in seconds. */
  readonly seconds: number
  /** The request may be made again without a thought. */
  readonly isSafe: boolean
  /** Asked as tabstream asks. Absent where there was nothing to ask for, or the request may not be repeated. */
  readonly earlier: Earlier | undefined
  /** Asked as `EventSource` asks. */
  readonly last: Resumed | undefined
  /** Asked for an ID that the server cannot know. */
  readonly unknown: Resumed | undefined
  readonly isFrame: (event: Arrival) => boolean
  readonly isMixed: boolean
  /** Some event came twice on the connection that began. */
  readonly isTwice: boolean
}

/** A server sends what it still has at once: the events come in so many ms. What happens live comes one by one. */
const AT_ONCE = 20

/** How the tester has ended may leave it open what a server does. It then says why. */
export function resumptionVerdict(given: Case): ResumptionVerdict {
  const { problem, known, earlier } = given
  if (problem !== '') return unknown(given, `there is no stream: ${problem}`)
  if (known.length === 0)
    return unknown(given, `no event came within ${inSeconds(given.seconds)}; a longer --duration may help`)
  if (known.every(({ id }) => id === undefined || id === '')) {
    const evidence = [`${inNumber(known.length, 'event')} came, none with an id: line`]
    return verdict(given, 'no IDs', 'no', evidence)
  }
  if (earlier === undefined) return unknown(given, 'the method is not safe, so the request is not made again')
  if (earlier.problem !== '') return unknown(given, `the second request failed: ${earlier.problem}`)
  return earlier.gap === undefined ? withoutGap(given, earlier) : withGap(given, earlier, earlier.gap)
}

/** Events that had come, and that came with the next connection at once, under another ID than before. */
function renamedIn({ earlier, last, isFrame }: Case): [before: Arrival, again: Arrival][] {
  const brought = earlier?.brought ?? []
  const again = last?.brought ?? []
  const at = brought.findLastIndex(({ id }) => id === last?.asked)
  const ids = new Set(again.map(({ id }) => id))
  const due = at < 0 ? [] : brought.slice(at + 1).filter((event) => !ids.has(event.id) && !isFrame(event))
  const renamed = due.flatMap((before): [Arrival, Arrival][] => {
    const found = again.find(({ id, digest }) => id !== undefined && digest === before.digest)
    return found === undefined || before.id === undefined ? [] : [[before, found]]
  })
  // Events may be alike. What happens live comes one by one.
  const times = renamed.map(([, { at }]) => at).sort((one, other) => one - other)
  return times.some((at, index) => index > 0 && at - (times[index - 1] as number) <= AT_ONCE) ? renamed : []
}

function withoutGap(given: Case, earlier: Earlier): ResumptionVerdict {
  const { known, isFrame, last } = given
  const history = known.filter((event) => !isFrame(event))
  const brought = earlier.brought.filter((event) => !isFrame(event))
  const at = history.findLastIndex(({ id }) => id === earlier.asked)
  const required = history.slice(at + 1)
  const keys = new Set(brought.map(keyOf))
  const repeated = required.filter((event) => keys.has(keyOf(event)))
  const asked = `asked for what follows ${quoted(earlier.asked)}`
  if (brought.length === 0) {
    const due = required[0]
    if (due === undefined)
      return unknown(given, `${asked}, and nothing came within ${inSeconds(earlier.seconds)}`)
    return unknown(
      given,
      `${asked}, it should have repeated ${inWords(due)}, and nothing came within ${inSeconds(earlier.seconds)}: ` +
        'it ignores Last-Event-ID, has forgotten the ID, or is slow',
    )
  }
  if (!earlier.canProve && repeated.length === 0) {
    const repeats = last?.brought.filter((event) => keyOf(event) === keyOf(history.at(-1) as Arrival)) ?? []
    if (repeats.length === 0)
      return unknown(
        given,
        `only one ID came, ${quoted(earlier.asked)}, so there is no earlier one to ask for; a longer --duration may help`,
      )
  }
  const evidence = [
    `${asked}, it sent ${listed(brought)}; ${listed(repeated)} had come before, so it went on at the right place`,
  ]
  const renamed = renamedIn(given)
  const [one] = renamed
  if (one !== undefined) {
    const [before, again] = one
    const words = `${inNumber(renamed.length, 'event')} came again under another ID: ${inWords(before)} as ${inWords(again)}`
    return verdict(given, 'renames', 'no', [...evidence, words])
  }
  if (repeatsAll(given, earlier, history, at)) return verdict(given, 'everything', 'yes', evidence)
  const anchor = history[at]
  const isInclusive = anchor !== undefined && keyOf(brought[0] as Arrival) === keyOf(anchor)
  return verdict(given, isInclusive ? 'from' : 'after', 'yes', evidence)
}

/**
 * Whether it sends what came before the ID as well. A greeting can look like one such event, but no greeting looks like the last
 * event but one.
 */
function repeatsAll(
  { isFrame, last }: Case,
  { brought }: Earlier,
  history: readonly Arrival[],
  at: number,
): boolean {
  const before = history.at(-2)
  if (last !== undefined && before !== undefined)
    return has(last.brought, before) && has(last.brought, history.at(-1) as Arrival)
  const earlier = history.slice(0, Math.max(0, at)).filter((event) => !isFrame(event))
  return earlier.length > 1 && earlier.every((event) => has(brought, event))
}

const has = (events: readonly Arrival[], one: Arrival): boolean =>
  events.some((event) => keyOf(event) === keyOf(one))

function withGap(given: Case, earlier: Earlier, gap: GapReason): ResumptionVerdict {
  const { known, isFrame, unknown: unknownId } = given
  const asked = `asked for what follows ${quoted(earlier.asked)}`
  const brought = earlier.brought.filter((event) => !isFrame(event))
  const due = known.filter((event) => !isFrame(event)).at(-1)
  const evidence = [
    `${asked}, it should have repeated ${due === undefined ? 'what is known' : inWords(due)}, and sent ${listed(brought)}`,
  ]
  if (gap === 'unresumable') return verdict(given, 'some IDs', 'no', evidence)
  if (earlier.isDenied) {
    const words = 'a response header says that it has resumed after another ID'
    return verdict(given, 'forgets', 'no', [...evidence, words])
  }
  const ids = new Set(known.map(({ id }) => id).filter((id) => id !== undefined))
  const [first] = brought
  if (first?.id !== undefined && ids.has(first.id)) {
    const words = `${quoted(first.id)} stood for an event before, and is used again`
    return verdict(given, 'counts again', 'no', [...evidence, words])
  }
  const usual = atOnce(known) + 1
  const isStock = atOnce(brought) > usual && atOnce(unknownId?.brought ?? []) > usual
  return verdict(given, isStock ? 'forgets' : 'ignores', 'no', evidence)
}

/** How many events came together with the first one. */
const atOnce = ([first, ...others]: readonly Arrival[]): number =>
  first === undefined ? 0 : 1 + others.filter(({ at }) => at - first.at <= AT_ONCE).length

function traitsOf(given: Case): Trait[] {
  const { known, earlier, isFrame, isMixed, isTwice } = given
  const traits: Trait[] = []
  if (hasGroups(known)) traits.push('groups')
  if (isMixed && earlier?.gap === undefined) traits.push('sparse')
  if (known.some(isFrame) || earlier?.brought.some(isFrame)) traits.push('frames')
  if (earlier?.gap === undefined && comesBetween(given)) traits.push('late')
  if (isTwice) traits.push('twice')
  return traits
}

/** Different events have come under one ID. */
const hasGroups = (events: readonly Arrival[]): boolean =>
  events.some(({ id, digest }, index) => {
    const former = events[index - 1]
    return id !== undefined && id !== '' && former?.id === id && former.digest !== digest
  })

/** Something unknown came between events of the history that are known. */
function comesBetween({ known, earlier, isFrame, isMixed }: Case): boolean {
  if (hasGroups(known) || isMixed) return false
  const keys = new Set(known.map(keyOf))
  const isKnown = (earlier?.brought ?? [])
    .filter((event) => !isFrame(event))
    .map((event) => keys.has(keyOf(event)))
  return isKnown.lastIndexOf(true) > isKnown.indexOf(false) && isKnown.includes(false)
}

/** Gaps that a page is told, whether the tester has met one or not. */
const SURE_GAPS: Readonly<Partial<Record<Category, GapReason>>> = {
  'no IDs': 'unresumable',
  renames: 'history-lost',
}

function verdict(
  given: Case,
  category: Category,
  answer: 'yes' | 'no',
  evidence: readonly string[],
): ResumptionVerdict {
  const isRepeated = given.isSafe || category !== 'no IDs'
  const gap = isRepeated ? (SURE_GAPS[category] ?? given.earlier?.gap) : given.earlier?.gap
  const whole = isRepeated
    ? 'everything, once: no gap'
    : 'the request is not made again: the stream ends with the response'
  return {
    answer,
    category,
    traits: traitsOf(given),
    words: `this server ${CATEGORIES[category]}`,
    evidence: [...evidence, ...othersOf(given)],
    tabstream: gap === undefined ? whole : `a gap (${gap}) after each lost connection`,
    gap,
  }
}

function unknown(given: Case, why: string): ResumptionVerdict {
  const { problem, known, earlier } = given
  const hasEvents = problem === '' && known.length > 0
  return {
    answer: 'cannot tell',
    category: undefined,
    traits: hasEvents ? traitsOf(given) : [],
    words: why,
    evidence: hasEvents ? othersOf(given) : [],
    tabstream: whatIsOpen(given),
    gap: earlier?.gap,
  }
}

function whatIsOpen({ problem, earlier }: Case): string {
  if (problem !== '' || earlier === undefined || earlier.problem !== '') return 'not known'
  if (!earlier.canProve) return 'it trusts the server after a single ID: no gap'
  return 'no gap until the server sends something; if that does not continue what was known, a gap (history-lost)'
}

/** What the other two connections have shown. */
function othersOf({ last, unknown: other }: Case): string[] {
  const words: string[] = []
  if (last !== undefined)
    words.push(`asked for what follows ${quoted(last.asked)}, the last ID, it ${sent(last)}`)
  if (other !== undefined) words.push(`asked for what follows an ID that it cannot know, it ${sent(other)}`)
  return words
}

const sent = ({ problem, brought, seconds }: Resumed): string => {
  if (problem !== '') return `failed: ${problem}`
  return brought.length === 0 ? `sent nothing within ${inSeconds(seconds)}` : `sent ${listed(brought)}`
}

/** A few events, by their IDs where they have some. */
function listed(events: readonly Arrival[]): string {
  if (events.length === 0) return 'none'
  const words = events.slice(0, 4).map(inWords)
  const rest = events.length - words.length
  return words.join(', ') + (rest > 0 ? ` and ${rest} more` : '')
}

const inWords = ({ id, name }: Arrival): string => (id === undefined ? `"${name}" without ID` : quoted(id))
