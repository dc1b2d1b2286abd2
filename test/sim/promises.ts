import { deceptionsOf } from './deception.ts'
import { identify, numberAt } from './identify.ts'
import type { Due, Point, Recorded, SimSubscription } from './page.ts'
import {
  closeAll,
  type Happening,
  mostConnections,
  NAMES,
  type Outcome,
  play,
  type Schedule,
} from './schedule.ts'
import type { ServedEvent, VirtualServer } from './world/server.ts'

/** What may make another leader necessary. */
const REASONS_FOR_A_LEADER: readonly Happening['type'][] = [
  'kill worker',
  'wedge worker',
  'leave leader',
  'close',
  'crash',
  'cache',
  'freeze',
  'block',
]

/** Plays a schedule and tells every promise that was broken. */
export async function brokenPromises(schedule: Schedule): Promise<string[]> {
  const outcome = await play(schedule)
  const problems = [...problemsOfPages(outcome, schedule), ...problemsOfSteadyState(outcome, schedule)]
  problems.push(...problemsOfElection(outcome, schedule))
  await closeAll(outcome)
  problems.push(...problemsOfRest(outcome))
  return problems
}

/** Of all that pages were given, and how it came. */
export function problemsOfPages(outcome: Outcome, schedule: Schedule): string[] {
  const problems = [...outcome.problems]
  const isPlaceLost = mayLosePlace(schedule)
  for (const tab of outcome.tabs) {
    for (const problem of tab.problems) problems.push(`${tab.agent.name}: ${problem}`)
    for (const [index, subscription] of tab.subscriptions.entries()) {
      const isWholeLog = schedule.logEvents > subscription.server.events.length * 2
      const isAwake = isWholeLog && !tab.hasSlept
      const isOneHub = isAwake && outcome.world.hubs.length === 1
      const circumstances = {
        isOneHub,
        // Of the topics that are wanted now, a hub that takes over may know nothing by which the server can prove that it resumes.
        isGapUndue: isOneHub || (isAwake && !isPlaceLost && !schedule.topics),
        // Messages are taken some hundreds at a time: half of any real log holds that, and of a short one does not.
        works:
          outcome.world.hubs.length === 1 &&
          !tab.hasSlept &&
          !tab.hasStoodStill &&
          (isWholeLog || !schedule.sockets),
      }
      for (const problem of problemsOf(subscription, circumstances, schedule)) {
        problems.push(`${tab.agent.name}, subscription ${index} (${subscription.server.kind}): ${problem}`)
      }
    }
  }
  return problems
}

/**
 * Whether a tab may find out so late that its hub is gone that others have gone ahead without it, or may not be able to
 * prove where it stands.
 */
function mayLosePlace({ host, hasLocks, happenings }: Schedule): boolean {
  const deaths = host === 'leader' ? REASONS_FOR_A_LEADER : ['kill worker']
  const kills = happenings.filter(({ type }) => deaths.includes(type)).length
  const isWedged = happenings.some(({ type }) => type === 'wedge worker')
  // A change of a subscription may leave a tab in the midst of its first batch, without an earlier ID.
  const mayStandBetween = happenings.some(({ type }) => type === 'add on next event' || type === 'slow down')
  return !hasLocks || isWedged || kills > 1 || (kills > 0 && mayStandBetween)
}

/**
 * A leader leads until it is gone or stands still, whoever comes: each new hub has a reason. Of several that find out at a
 * time that it stands still, each may take its place before the last one keeps it.
 */
export function problemsOfElection({ world, tabs }: Outcome, { host, happenings }: Schedule): string[] {
  if (host !== 'leader') return []
  const most = happenings.reduce((sum, { type }) => {
    if (['wedge worker', 'freeze', 'block'].includes(type)) return sum + tabs.length
    return REASONS_FOR_A_LEADER.includes(type) ? sum + 1 : sum
  }, 1)
  const hubs = world.hubs.length
  return hubs <= most ? [] : [`${hubs} hubs, though there was reason for ${most}`]
}

interface Circumstances {
  /** This tab has been at one hub all the time, and has never fallen behind. */
  isOneHub: boolean
  /** Nothing that happened to this tab can have cost it events. */
  isGapUndue: boolean
  /** It has gone on working at one hub, however slowly. */
  works: boolean
}

/** What a page was given, with the numbers of its events. */
interface Account extends Circumstances {
  subscription: SimSubscription
  server: VirtualServer
  /** Without frames: the server keeps none, so that they prove nothing, and none is due. */
  records: Numbered[]
  /** Whether a page that misses this event cannot know. */
  mayBeMissing: (event: ServedEvent) => boolean
  numberAt: (point: Point) => number
  due: readonly Due[]
}

type Numbered = { type: 'event'; number: number; id: string } | Extract<Recorded, { type: 'gap' }>

function problemsOf(
  subscription: SimSubscription,
  circumstances: Circumstances,
  schedule: Schedule,
): string[] {
  const { server, records } = subscription
  const mayBeMissing = excusesOf(server, circumstances, schedule)
  const numbers = identify(subscription, mayBeMissing)
  const account: Account = {
    ...circumstances,
    subscription,
    server,
    mayBeMissing,
    records: records.flatMap((record, index): Numbered[] => {
      if (record.type === 'gap') return [record]
      if (record.type === 'frame') return []
      return [{ type: 'event', number: numbers[index] ?? 0, id: record.looks.id ?? '' }]
    }),
    numberAt: (point) => numberAt(point, numbers),
    due: subscription.due,
  }
  const accounts = schedule.topics ? NAMES.map((name) => ofName(account, name, schedule)) : [account]
  return [
    ...subscription.strays.map((data) => `came although it must not: ${data}`),
    ...accounts.flatMap(problemsOfOrder),
    ...problemsOfFrames(account),
    ...accounts.flatMap(problemsOfLoss),
    ...problemsOfGaps(account),
    ...problemsOfLag(account),
  ]
}

/** With the events of one name alone: topics are in order, each for itself. */
function ofName(account: Account, name: string, { centrifugo }: Schedule): Account {
  const { server, records, due, subscription, numberAt: usual } = account
  const isOf = (record: Numbered) => record.type === 'gap' || server.events[record.number - 1]?.name === name
  // What has come of one channel says nothing of others.
  const own = identify(subscription, account.mayBeMissing).map((number = 0) =>
    server.events[number - 1]?.name === name ? number : undefined,
  )
  return {
    ...account,
    records: records.filter(isOf),
    due: due.filter((one) => one.name === name),
    numberAt: centrifugo ? (point) => numberAt(point, own) : usual,
  }
}

/** Which events may be missing in silence, whatever a page was given. */
function excusesOf(server: VirtualServer, { isOneHub }: Circumstances, { durableManners }: Schedule) {
  const deceptions = server.hasAlikeEvents ? deceptionsOf(server.allConnections) : []
  const written = server.allConnections.flatMap(({ writings }) => writings.map(({ number }) => number))
  return ({ number, isLate }: ServedEvent): boolean => {
    // It is read from the beginning. What the server drops before it has sent anything is seen by nobody.
    if (durableManners?.offset === '-1' && number < Math.min(...written)) return true
    // A late event is never sent live. A tab that comes from another hub cannot tell it from what it had not listened to.
    if (isLate) return !server.hasBrought(number) || !isOneHub
    // The first event after a takeover can look like one that this tab has had from another hub.
    if (server.hasAlikeEvents && !isOneHub) return true
    if (server.wasTakenAtItsWord(number, isOneHub) && !server.saysWhereItResumes) return true
    return deceptions.some(({ after, upTo }) => number > after && number <= upTo)
  }
}

/** Once, and in the server's order, also after a gap. */
function problemsOfOrder({ server, records, isOneHub }: Account): string[] {
  const problems: string[] = []
  let last = 0
  let isTwice = false
  const late = new Set<number>()
  for (const record of records) {
    if (record.type === 'gap') {
      if (server.mayBeginAgain(isOneHub)) last = 0
      continue
    }
    const { number } = record
    if (server.events[number - 1]?.isLate) {
      // Its place in a replay is before events that may have been given for long.
      if (late.has(number)) problems.push(`late event ${number} again`)
      late.add(number)
      continue
    }
    // "Once" is about replays: what a server sends twice is given twice, but not three times.
    const isSecond: boolean = number === last && server.events[number - 1]?.isTwice === true && !isTwice
    if (number <= last && !isSecond) problems.push(`event ${number} after ${last}`)
    isTwice = isSecond
    last = number
  }
  return problems
}

/** Nothing that belongs to a connection is given more often than it was written. */
function problemsOfFrames({ server, subscription }: Account): string[] {
  const given = new Map<string, number>()
  for (const record of subscription.records) {
    if (record.type !== 'frame') continue
    const { name, data, id } = record.looks
    // The ID may be that of an earlier event.
    const key = server.hasFrame(record.looks)
      ? JSON.stringify([name, data, id])
      : JSON.stringify([name, data])
    const count = (given.get(key) ?? 0) + 1
    given.set(key, count)
    if (count > server.framesLike(record.looks)) return [`frame ${key} given ${count} times`]
  }
  return []
}

/** Everything that was due, or a gap in its place. */
function problemsOfLoss(account: Account): string[] {
  const { server, records, due, numberAt, mayBeMissing } = account
  const problems: string[] = []
  const had = new Set<number>()
  for (const record of records) if (record.type === 'event') had.add(record.number)
  for (const { name, after, upTo } of due) {
    const end = upTo === undefined ? server.events.length : numberAt(upTo)
    for (const event of server.events.slice(numberAt(after), end)) {
      if (event.name !== name || had.has(event.number) || mayBeMissing(event)) continue
      // It can have come when the page did not listen to its name any more.
      if (event.isLate && upTo !== undefined) continue
      if (!server.keeps(event) && !hasUnnumbered(account, event.number)) continue
      if (!isTold(account, event)) problems.push(`event ${event.number} lost in silence`)
    }
  }
  return problems
}

/**
 * Whether a page can know that some events without an ID are history: of a name that had come with an ID, two with
 * different data had come without one. Until then nobody can know that a server has such events, and does not keep them.
 */
function hasUnnumbered({ server, records }: Account, before: number): boolean {
  const had = records.flatMap((record) => {
    const event = record.type === 'event' && record.number < before && server.events[record.number - 1]
    return event ? [event] : []
  })
  // No two events of a server that keeps only some have the same data.
  const isHistory = (name: string) =>
    had.some((event) => event.name === name && event.id !== undefined) &&
    had.filter((event) => event.name === name && event.id === undefined).length > 1
  return NAMES.some(isHistory)
}

/** Whether a gap stands between the events recorded before and after an event. */
function isTold({ server, records }: Account, event: ServedEvent): boolean {
  let hasGap = false
  const numbered = new Set<string>()
  for (const record of records) {
    // What has come without an ID, of a name that has not come with one, is no history: it goes before a gap that is due.
    const served = record.type === 'event' ? server.events[record.number - 1] : undefined
    if (served?.id !== undefined) numbered.add(served.name)
    if (served !== undefined && numbered.size > 0 && !numbered.has(served.name)) continue
    if (record.type === 'gap') {
      hasGap = true
      // An event that the server does not keep can also be missing between the first events after the gap. A page that
      // fetches its state when it is told of the gap has what the server had sent by then.
      if (!server.keeps(event) && event.number <= record.sentByThen) return true
    } else if (server.events[record.number - 1]?.isLate !== true) {
      if (record.number > event.number) return hasGap
      hasGap = false
    }
  }
  return hasGap
}

/** Whoever goes on working is waited for, however short the log. */
function problemsOfLag({ records, works }: Account): string[] {
  const isSlow = records.some((record) => record.type === 'gap' && record.reason === 'slow-tab')
  return works && isSlow ? ['a gap "slow-tab", though the tab goes on working'] : []
}

/** No gap where nothing is missing. */
function problemsOfGaps({ server, records, isGapUndue }: Account): string[] {
  if (!isGapUndue || !server.isFaithful) return []
  const problems: string[] = []
  for (const record of records) {
    if (record.type !== 'gap') continue
    // Up to the first event with an ID no server can be asked to repeat anything.
    if (record.before === '' || server.isFirstId(record.before)) continue
    // Nothing has shown that this event was a greeting, so that it is missed when it does not come again.
    if (server.isUnprovenGreeting(record.before)) continue
    problems.push(`false gap "${record.reason}" between ${record.before} and ${record.after}`)
  }
  return problems
}

function problemsOfSteadyState({ world, tabs }: Outcome, schedule: Schedule): string[] {
  const problems: string[] = []
  for (const server of world.servers) {
    const isWanted = tabs.some(
      ({ agent, subscriptions }) =>
        agent.isAlive &&
        subscriptions.some(
          (one) => !one.isClosed && one.server === server && (!schedule.topics || one.names.length > 0),
        ),
    )
    // Leaders have all woken by now, a wedged worker never will.
    const mostWanted = schedule.host === 'leader' ? 1 : mostConnections(schedule)
    const most = isWanted ? mostWanted : 0
    const isMissing = isWanted && server.staysConnected && server.connections === 0
    if (server.connections > most || isMissing) {
      problems.push(`${server.connections} connections to ${server.url}, wanted: ${isWanted}`)
    }
  }
  return problems
}

export function problemsOfRest({ world }: Outcome): string[] {
  const problems: string[] = []
  for (const server of world.servers) {
    if (server.connections > 0) problems.push(`${server.connections} connections left to ${server.url}`)
  }
  for (const { hub } of world.workers()) {
    const { tabs, streams } = hub.report()
    if (tabs > 0) problems.push(`${tabs} tabs left in the hub`)
    if (streams.length > 0) problems.push(`${streams.length} streams left in the hub`)
  }
  const tabLocks = world.locks.names().filter((name) => name.includes(':tab:'))
  if (tabLocks.length > 0) problems.push(`${tabLocks.length} tab locks left`)
  return problems
}
