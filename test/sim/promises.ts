import type { SimSubscription } from './page.ts'
import { closeAll, type Happening, mostConnections, type Outcome, play, type Schedule } from './schedule.ts'
import type { ServerKind } from './world/server.ts'

/** These can resume from every event that had an ID: a gap needs something that is missing. */
const FAITHFUL: readonly ServerKind[] = ['strict', 'inclusive', 'sparse', 'grouped']

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
  const problems = [...outcome.problems]
  const isPlaceLost = mayLosePlace(schedule)
  for (const tab of outcome.tabs) {
    for (const problem of tab.problems) problems.push(`${tab.agent.name}: ${problem}`)
    for (const [index, subscription] of tab.subscriptions.entries()) {
      const isWholeLog = schedule.logEvents > subscription.server.events.length * 2
      for (const problem of problemsOf(subscription, isWholeLog && !tab.hasSlept && !isPlaceLost)) {
        problems.push(`${tab.agent.name}, subscription ${index} (${subscription.server.kind}): ${problem}`)
      }
    }
  }
  problems.push(...problemsOfSteadyState(outcome, schedule))
  problems.push(...problemsOfElection(outcome, schedule))
  await closeAll(outcome)
  problems.push(...problemsOfRest(outcome))
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
function problemsOfElection({ world, tabs }: Outcome, { host, happenings }: Schedule): string[] {
  if (host !== 'leader') return []
  const most = happenings.reduce((sum, { type }) => {
    if (['wedge worker', 'freeze', 'block'].includes(type)) return sum + tabs.length
    return REASONS_FOR_A_LEADER.includes(type) ? sum + 1 : sum
  }, 1)
  const hubs = world.hubs.length
  return hubs <= most ? [] : [`${hubs} hubs, though there was reason for ${most}`]
}

/** @param isGapUndue nothing that happened to this tab can have cost it events */
function problemsOf(subscription: SimSubscription, isGapUndue: boolean): string[] {
  return [
    ...subscription.strays.map((data) => `came although it must not: ${data}`),
    ...problemsOfOrder(subscription),
    ...problemsOfLoss(subscription),
    ...problemsOfGaps(subscription, isGapUndue),
  ]
}

/**
 * Once, and in the server's order. What comes after a gap may be old in two cases only: from a server that repeats
 * everything, and where no event before the gap had an ID to be recognised by.
 */
function problemsOfOrder({ server, records }: SimSubscription): string[] {
  const problems: string[] = []
  let last = 0
  for (const record of records) {
    if (record.type === 'gap' && (server.kind === 'repeating' || record.before === '')) last = 0
    if (record.type !== 'event') continue
    if (record.number <= last) problems.push(`event ${record.number} after ${last}`)
    last = record.number
  }
  return problems
}

/** Everything that was due, or a gap in its place. */
function problemsOfLoss(subscription: SimSubscription): string[] {
  const problems: string[] = []
  const had = new Set<number>()
  for (const record of subscription.records) if (record.type === 'event') had.add(record.number)
  for (const { name, after, upTo = subscription.server.events.length } of subscription.due) {
    for (const event of subscription.server.events.slice(after, upTo)) {
      if (event.name !== name || had.has(event.number)) continue
      if (subscription.server.wasTakenAtItsWord(event.number) && subscription.server.kind !== 'candid')
        continue
      if (event.id === undefined && !hasUnnumbered(subscription, event.number)) continue
      if (!isTold(subscription, event.number)) problems.push(`event ${event.number} lost in silence`)
    }
  }
  return problems
}

/** Until an event without an ID has come, nobody can know that a server has such, and does not keep them. */
function hasUnnumbered({ server, records }: SimSubscription, before: number): boolean {
  if (server.kind !== 'sparse-ephemeral') return true
  return records.some(
    (record) =>
      record.type === 'event' && record.number < before && server.events[record.number - 1]?.id === undefined,
  )
}

/** Whether a gap stands between the events recorded before and after `number`. */
function isTold({ server, records }: SimSubscription, number: number): boolean {
  let hasGap = false
  for (const record of records) {
    if (record.type === 'gap') {
      hasGap = true
      // What this server does not keep may be missing behind the first event after the gap too; a page that fetches
      // its state when it is told has that as well.
      if (server.kind === 'sparse-ephemeral' && number <= record.sentByThen) return true
    } else {
      if (record.number > number) return hasGap
      hasGap = false
    }
  }
  return hasGap
}

/** No gap where nothing is missing. */
function problemsOfGaps({ server, records }: SimSubscription, isGapUndue: boolean): string[] {
  if (!isGapUndue || !FAITHFUL.includes(server.kind)) return []
  const problems: string[] = []
  for (const record of records) {
    if (record.type !== 'gap') continue
    // Up to the first event with an ID no server can be asked to repeat anything.
    if (record.before === '' || server.isFirstId(record.before)) continue
    problems.push(`false gap "${record.reason}" between ${record.before} and ${record.after}`)
  }
  return problems
}

function problemsOfSteadyState({ world, tabs }: Outcome, schedule: Schedule): string[] {
  const problems: string[] = []
  for (const server of world.servers) {
    const isWanted = tabs.some(
      ({ agent, subscriptions }) =>
        agent.isAlive && subscriptions.some((one) => !one.isClosed && one.server === server),
    )
    // Leaders have all woken by now, a wedged worker never will.
    const mostWanted = schedule.host === 'leader' ? 1 : mostConnections(schedule)
    const most = isWanted ? mostWanted : 0
    if (server.connections > most || (isWanted && server.connections === 0)) {
      problems.push(`${server.connections} connections to ${server.url}, wanted: ${isWanted}`)
    }
  }
  return problems
}

function problemsOfRest({ world }: Outcome): string[] {
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
