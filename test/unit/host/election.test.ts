import { describe, expect, test } from 'vitest'
import {
  type Candidate,
  type Election,
  type ElectionMessage,
  LockElection,
  TermElection,
} from '../../../src/host/election.ts'
import type { LinkEndpoint } from '../../../src/link/endpoint.ts'
import type { Platform } from '../../../src/page/platform.ts'
import type { Agent } from '../../sim/world/agent.ts'
import type { World } from '../../sim/world/world.ts'
import { createWorld } from '../raw-tab.ts'

/** A claim waits for so many ms. */
const CLAIM = 300
const WITHIN_CLAIM = 250

/** Longer than anything here takes. */
const LONG = 60_000

type Create = (platform: Platform, candidate: Candidate) => Election

const byLock: Create = (platform, candidate) => new LockElection(platform, 'the lock', candidate)
const byTerm: Create = (platform, candidate) => new TermElection(platform, candidate)

/** A page that does nothing but vote, and notes how it fares. */
class Voter implements Candidate {
  readonly name: string
  readonly agent: Agent
  readonly election: Election
  /** What the election has said, in order. */
  readonly notes: string[] = []
  /** What it has had posted. */
  readonly posted: ElectionMessage[] = []
  /** The hubs of leaders that were heeded. */
  readonly heeded: string[] = []
  /** Names of those whose messages do not reach this page. */
  readonly deafTo = new Set<string>()
  /** The hub of this page's own latest office. */
  hubId = ''
  readonly #channel: LinkEndpoint

  constructor(world: World, name: string, create: Create, changes: Partial<Platform> = {}) {
    this.name = name
    this.agent = world.agent(name)
    const platform = { ...world.platform(this.agent, () => {}), ...changes }
    this.#channel = world.platform(this.agent, () => {}).openChannel?.('election') as LinkEndpoint
    this.#channel.addEventListener('message', (event) => {
      const { sender, message } = (event as MessageEvent).data
      if (!this.deafTo.has(sender)) this.hear(message)
    })
    this.election = create(platform, this)
  }

  get leads(): boolean {
    return this.notes.filter((note) => note !== 'refused').at(-1) === 'elected'
  }

  hear(message: ElectionMessage): boolean {
    const counts = this.election.hear(message)
    if (counts && message.type === 'lead') this.heeded.push(message.hubId)
    return counts
  }

  elected(hubId: string): void {
    this.notes.push('elected')
    this.hubId = hubId
  }

  deposed(): void {
    this.notes.push('deposed')
  }

  refused(reason: string): void {
    this.notes.push(`refused: ${reason}`)
  }

  post(message: ElectionMessage): void {
    this.posted.push(message)
    this.#channel.postMessage({ sender: this.name, message })
  }
}

const voters = (world: World, create: Create, ...names: string[]): Voter[] =>
  names.map((name) => new Voter(world, name, create))

const leadersOf = (all: readonly Voter[]): string[] =>
  all.filter(({ leads }) => leads).map(({ name }) => name)

const notesOf = (all: readonly Voter[]): string[][] => all.map(({ notes }) => notes)

/** All stand, one after the other, in the order in which they are given. */
async function stand(world: World, all: readonly Voter[], pause = 0): Promise<void> {
  for (const { election } of all) {
    election.stand()
    await world.clock.advance(pause)
  }
}

const LEAD: ElectionMessage = { type: 'lead', term: 7, hubId: 'some hub' }
const CLAIMED: ElectionMessage = { type: 'claim', term: 7, hubId: 'some hub' }
const RESIGNED: ElectionMessage = { type: 'resign', hubId: 'some hub' }

describe('by a lock', () => {
  const three = async (world: World) => {
    const all = voters(world, byLock, 'one', 'other', 'third') as [Voter, Voter, Voter]
    await stand(world, all)
    return all
  }

  test('the first to stand is elected, and nobody else while it lives', async () => {
    const world = createWorld()
    const all = await three(world)
    await world.clock.advance(LONG)
    expect(notesOf(all)).toEqual([['elected'], [], []])
  })

  test('each election brings a hub of its own, and is told to all', async () => {
    const world = createWorld()
    const [one, other] = await three(world)
    expect(one.posted).toEqual([{ type: 'lead', term: 0, hubId: one.hubId }])
    one.election.withdraw()
    await world.clock.advance(0)
    expect(other.posted).toEqual([{ type: 'lead', term: 0, hubId: other.hubId }])
    expect(other.hubId).not.toBe(one.hubId)
  })

  test('the next in the order of standing is elected when the leader withdraws', async () => {
    const world = createWorld()
    const all = await three(world)
    all[0].election.withdraw()
    await world.clock.advance(0)
    expect(leadersOf(all.slice(1))).toEqual(['other'])
    expect(all[0].notes).toEqual(['elected'])
  })

  test('the next is elected when the leader dies', async () => {
    const world = createWorld()
    const all = await three(world)
    all[0].agent.kill()
    await world.clock.advance(0)
    expect(leadersOf(all.slice(1))).toEqual(['other'])
  })

  test('no timer is involved', async () => {
    const world = createWorld()
    const timers: number[] = []
    const changes: Partial<Platform> = { setTimeout: (_callback, milliseconds) => timers.push(milliseconds) }
    const [one, other] = ['one', 'other'].map((name) => new Voter(world, name, byLock, changes)) as [
      Voter,
      Voter,
    ]
    await stand(world, [one, other])
    one.agent.kill()
    await world.clock.advance(0)
    other.election.challenge()
    await world.clock.advance(0)
    expect(other.leads).toBe(true)
    expect(timers).toEqual([])
  })

  test('who stands twice waits once', async () => {
    const world = createWorld()
    const [one, other] = await three(world)
    other.election.stand()
    other.election.withdraw()
    one.election.withdraw()
    await world.clock.advance(0)
    expect(other.notes).toEqual([])
  })

  test('who leads and stands all the same gives its lock up when it withdraws', async () => {
    const world = createWorld()
    const all = await three(world)
    await stand(world, all.slice(0, 1))
    all[0].election.withdraw()
    await world.clock.advance(0)
    expect(notesOf(all)).toEqual([['elected'], ['elected'], []])
  })

  test('who has withdrawn is never elected, not even if the lock was on its way', async () => {
    const world = createWorld()
    const [hasty, patient] = voters(world, byLock, 'hasty', 'patient') as [Voter, Voter]
    hasty.election.stand()
    hasty.election.withdraw()
    patient.election.stand()
    await world.clock.advance(LONG)
    expect(notesOf([hasty, patient])).toEqual([[], ['elected']])
  })

  test('who was frozen while it waited, and withdraws when it wakes, passes the office on', async () => {
    const world = createWorld()
    const all = await three(world)
    all[1].agent.freeze()
    all[0].election.withdraw()
    await world.clock.advance(LONG)
    expect(leadersOf(all.slice(1))).toEqual([])
    all[1].election.withdraw()
    all[1].agent.wake()
    await world.clock.advance(0)
    expect(notesOf(all)).toEqual([['elected'], [], ['elected']])
  })

  test('who withdraws and stands again is the last in the row', async () => {
    const world = createWorld()
    const all = await three(world)
    all[0].election.withdraw()
    all[0].election.stand()
    await world.clock.advance(0)
    all[1].election.withdraw()
    await world.clock.advance(0)
    expect(notesOf(all)).toEqual([['elected'], ['elected'], ['elected']])
    all[2].election.withdraw()
    await world.clock.advance(0)
    expect(all[0].notes).toEqual(['elected', 'elected'])
  })

  test('a challenge deposes the leader, overtakes those who wait, and elects who made it', async () => {
    const world = createWorld()
    const all = await three(world)
    all[2].election.challenge()
    await world.clock.advance(0)
    expect(notesOf(all)).toEqual([['elected', 'deposed'], [], ['elected']])
    all[2].election.withdraw()
    await world.clock.advance(0)
    expect(all[1].notes).toEqual(['elected'])
  })

  test('of several that challenge the last one leads', async () => {
    const world = createWorld()
    const all = await three(world)
    for (const { election } of all.slice(1)) election.challenge()
    await world.clock.advance(LONG)
    expect(leadersOf(all)).toEqual(['third'])
  })

  test('who has been robbed of the lock resigns, because it may be heard after the thief', async () => {
    const world = createWorld()
    const [one, other, third] = await three(world)
    other.election.challenge()
    third.election.challenge()
    await world.clock.advance(0)
    expect(leadersOf([one, other, third])).toEqual(['third'])
    const resigned = { type: 'resign', hubId: one.hubId }
    expect(one.posted.at(-1)).toEqual(resigned)
    expect(third.posted).toEqual([{ type: 'lead', term: 0, hubId: third.hubId }])
    // It had the lock for no time at all, or it says so too.
    const led = other.posted.filter(({ type }) => type === 'lead')
    expect(other.posted.filter(({ type }) => type === 'resign')).toHaveLength(led.length)
  })

  test('a leader that was frozen learns that it is deposed when it wakes', async () => {
    const world = createWorld()
    const all = await three(world)
    all[0].agent.freeze()
    all[1].election.challenge()
    await world.clock.advance(LONG)
    expect(all[0].notes).toEqual(['elected'])
    all[0].agent.wake()
    await world.clock.advance(0)
    expect(notesOf(all)).toEqual([['elected', 'deposed'], ['elected'], []])
  })

  test('who was deposed stands again only when it is told to', async () => {
    const world = createWorld()
    const [one, other] = voters(world, byLock, 'one', 'other') as [Voter, Voter]
    await stand(world, [one])
    other.election.challenge()
    await world.clock.advance(0)
    other.election.withdraw()
    await world.clock.advance(LONG)
    expect(one.notes).toEqual(['elected', 'deposed'])
    await stand(world, [one])
    expect(one.notes).toEqual(['elected', 'deposed', 'elected'])
  })

  test('suspicion changes nothing, since the lock tells the truth', async () => {
    const world = createWorld()
    const all = await three(world)
    all[1].election.suspect(all[0].hubId)
    await stand(world, all)
    await world.clock.advance(LONG)
    expect(notesOf(all)).toEqual([['elected'], [], []])
  })

  test('who leads heeds nobody else, who does not lead does; a claim never counts', async () => {
    const world = createWorld()
    const [leader, follower] = await three(world)
    expect([LEAD, RESIGNED, CLAIMED].map((message) => leader.hear(message))).toEqual([false, false, false])
    expect([LEAD, RESIGNED, CLAIMED].map((message) => follower.hear(message))).toEqual([true, true, false])
    leader.election.withdraw()
    expect(leader.hear(LEAD)).toBe(true)
    expect(leader.notes).toEqual(['elected'])
  })

  test('leaves no lock when all have withdrawn', async () => {
    const world = createWorld()
    const all = await three(world)
    all[2].election.challenge()
    await world.clock.advance(0)
    for (const { election } of all) election.withdraw()
    await world.clock.advance(0)
    expect(world.locks.names()).toEqual([])
  })

  test('cannot be held where locks are forbidden, and says why, each time', async () => {
    const world = createWorld()
    const request = () => Promise.reject(new DOMException('the origin is opaque', 'SecurityError'))
    const page = new Voter(world, 'page', byLock, { locks: { request, query: async () => ({}) } })
    await stand(world, [page])
    await stand(world, [page])
    const words = expect.stringMatching(/^refused: .*Web Locks.*the origin is opaque/)
    expect(page.notes).toEqual([words, words])
  })

  test('says nothing of a refusal to who has withdrawn', async () => {
    const world = createWorld()
    const request = () => Promise.reject(new DOMException('the origin is opaque', 'SecurityError'))
    const page = new Voter(world, 'page', byLock, { locks: { request, query: async () => ({}) } })
    page.election.stand()
    page.election.withdraw()
    await world.clock.advance(0)
    expect(page.notes).toEqual([])
  })
})

describe('by terms', () => {
  /** A leader that has been at it for a while, and a follower that knows it. */
  const leaderAndFollower = async (world: World, changes: Partial<Platform> = {}) => {
    const leader = new Voter(world, 'leader', byTerm, changes)
    const follower = new Voter(world, 'follower', byTerm)
    await stand(world, [leader])
    await world.clock.advance(1_000)
    expect(leadersOf([leader])).toEqual(['leader'])
    return [leader, follower] as const
  }

  const termsOf = ({ posted }: Voter, wanted: ElectionMessage['type']): number[] =>
    posted.flatMap((message) => (message.type === wanted && 'term' in message ? [message.term] : []))

  test('who is alone is elected when its claim has had its time, and not before', async () => {
    const world = createWorld()
    const [page] = voters(world, byTerm, 'page') as [Voter]
    page.election.stand()
    await world.clock.advance(WITHIN_CLAIM)
    expect(page.notes).toEqual([])
    await world.clock.advance(CLAIM - WITHIN_CLAIM)
    expect(page.notes).toEqual(['elected'])
    expect(page.posted.map(({ type, hubId }) => [type, hubId])).toEqual([
      ['claim', page.hubId],
      ['lead', page.hubId],
    ])
  })

  test('of many that stand at the same moment exactly one is elected, and all the others heed it', async () => {
    const world = createWorld()
    const all = voters(world, byTerm, 'a', 'b', 'c', 'd', 'e')
    for (const { election } of all) election.stand()
    await world.clock.advance(LONG)
    expect(notesOf(all).flat()).toEqual(['elected'])
    const [leader] = all.filter(({ leads }) => leads)
    for (const voter of all) expect(voter.heeded).toEqual(voter === leader ? [] : [leader?.hubId])
  })

  test.each([10, 100, 290])('of several that stand %s ms apart exactly one is elected', async (pause) => {
    const world = createWorld()
    const all = voters(world, byTerm, 'a', 'b', 'c')
    await stand(world, all, pause)
    await world.clock.advance(LONG)
    expect(notesOf(all).flat()).toEqual(['elected'])
  })
  test('is decided within the time of one claim, however many stand one after the other', async () => {
    const world = createWorld()
    const all = voters(world, byTerm, ...'abcdefgh')
    await stand(world, all, 100)
    expect(leadersOf(all)).toHaveLength(1)
  })

  test('a claim is repeated for who comes too late to hear it', async () => {
    const world = createWorld()
    const early = new Voter(world, 'early', byTerm, { randomId: () => 'a' })
    early.election.stand()
    const late = new Voter(world, 'late', byTerm, { randomId: () => 'b' })
    late.election.stand()
    await world.clock.advance(LONG)
    expect(notesOf([early, late])).toEqual([['elected'], []])
  })

  test('who gave way to a claim that came to nothing may claim again', async () => {
    const world = createWorld()
    const [early, late] = ['a', 'b'].map((id) => new Voter(world, id, byTerm, { randomId: () => id })) as [
      Voter,
      Voter,
    ]
    for (const { election } of [early, late]) election.stand()
    await world.clock.advance(WITHIN_CLAIM)
    early.agent.kill()
    await world.clock.advance(LONG)
    expect(notesOf([early, late])).toEqual([[], []])
    late.election.challenge()
    await world.clock.advance(CLAIM)
    expect(late.notes).toEqual(['elected'])
  })

  test('a newcomer gives way to a leader that lives', async () => {
    const world = createWorld()
    const [leader] = await leaderAndFollower(world)
    const newcomer = new Voter(world, 'newcomer', byTerm)
    await stand(world, [newcomer])
    await world.clock.advance(LONG)
    expect(notesOf([leader, newcomer])).toEqual([['elected'], []])
    expect(newcomer.heeded).toEqual([leader.hubId])
    expect(newcomer.posted.map(({ type }) => type)).toEqual(['claim'])
  })

  test('a leader answers although its timers do not run', async () => {
    const world = createWorld()
    let isThrottled = false
    const agent = world.agent('timers')
    const setTimeout: Platform['setTimeout'] = (callback, milliseconds) =>
      isThrottled ? undefined : agent.schedule(milliseconds, callback)
    const [leader] = await leaderAndFollower(world, { setTimeout })
    const newcomer = new Voter(world, 'newcomer', byTerm)
    isThrottled = true
    await stand(world, [newcomer])
    await world.clock.advance(LONG)
    expect(notesOf([leader, newcomer])).toEqual([['elected'], []])
  })

  test('who knows a leader does not stand', async () => {
    const world = createWorld()
    const [leader, follower] = await leaderAndFollower(world)
    await stand(world, [follower, leader])
    expect(follower.heeded).toEqual([leader.hubId])
    expect(follower.posted).toEqual([])
    expect(leader.posted).toHaveLength(2)
  })

  test('a leader that does not answer is replaced by who challenges it, at a later term', async () => {
    const world = createWorld()
    const [leader, follower] = await leaderAndFollower(world)
    leader.agent.freeze()
    follower.election.challenge()
    await world.clock.advance(CLAIM)
    expect(follower.notes).toEqual(['elected'])
    expect(termsOf(follower, 'lead')[0]).toBeGreaterThan(termsOf(leader, 'lead')[0] as number)
  })

  test('a leader that was silent steps down when it wakes', async () => {
    const world = createWorld()
    const [leader, follower] = await leaderAndFollower(world)
    leader.agent.freeze()
    follower.election.challenge()
    await world.clock.advance(LONG)
    leader.agent.wake()
    await world.clock.advance(LONG)
    expect(notesOf([leader, follower])).toEqual([['elected', 'deposed'], ['elected']])
    expect(new Set(leader.heeded)).toEqual(new Set([follower.hubId]))
  })

  test('a challenge harms no leader that lives', async () => {
    const world = createWorld()
    const [leader, follower] = await leaderAndFollower(world)
    follower.election.challenge()
    await world.clock.advance(LONG)
    expect(notesOf([leader, follower])).toEqual([['elected'], []])
  })

  test('a claim made before a sleep is worth nothing after it, where somebody else leads', async () => {
    const world = createWorld()
    const [sleeper, other] = voters(world, byTerm, 'sleeper', 'other') as [Voter, Voter]
    sleeper.election.stand()
    await world.clock.advance(10)
    sleeper.agent.freeze()
    await world.clock.advance(LONG)
    await stand(world, [other])
    await world.clock.advance(CLAIM)
    sleeper.agent.wake()
    await world.clock.advance(LONG)
    expect(leadersOf([sleeper, other])).toEqual(['other'])
    expect(other.notes).toEqual(['elected'])
    expect(other.heeded).toEqual([])
  })

  describe('when two groups of pages do not hear each other for a while', () => {
    const divided = async () => {
      const world = createWorld()
      const all = voters(world, byTerm, 'early', 'follower of early', 'late', 'follower of late') as [
        Voter,
        Voter,
        Voter,
        Voter,
      ]
      const [early, followerOfEarly, late, followerOfLate] = all
      for (const one of [early, followerOfEarly]) {
        for (const other of [late, followerOfLate]) {
          one.deafTo.add(other.name)
          other.deafTo.add(one.name)
        }
      }
      await stand(world, all.slice(0, 2), CLAIM)
      await stand(world, all.slice(2), CLAIM)
      expect(leadersOf(all)).toEqual(['early', 'late'])
      for (const { deafTo } of all) deafTo.clear()
      return { world, all, early, followerOfEarly, late }
    }

    test('the later leader stays, the other steps down as soon as a newcomer asks', async () => {
      const { world, all, early, followerOfEarly, late } = await divided()
      const newcomer = new Voter(world, 'newcomer', byTerm)
      await stand(world, [newcomer])
      await world.clock.advance(LONG)
      expect(leadersOf([...all, newcomer])).toEqual(['late'])
      expect(early.notes).toEqual(['elected', 'deposed'])
      expect(followerOfEarly.heeded.at(-1)).toBe(late.hubId)
    })

    test('who knows the later one does not heed the earlier', async () => {
      const { world, early, followerOfEarly, late } = await divided()
      const word = early.posted.find(({ type }) => type === 'lead') as ElectionMessage
      expect(late.hear(word)).toBe(false)
      await world.clock.advance(0)
      expect(followerOfEarly.heeded.at(-1)).toBe(late.hubId)
      expect(followerOfEarly.hear(word)).toBe(false)
      expect(late.notes).toEqual(['elected'])
    })

    test('a leader of many elections gives way to one of a single later one', async () => {
      const world = createWorld()
      const [early, late] = voters(world, byTerm, 'early', 'late') as [Voter, Voter]
      late.deafTo.add('early')
      for (const _ of [1, 2, 3]) {
        early.election.withdraw()
        await stand(world, [early], CLAIM)
      }
      await stand(world, [late], CLAIM)
      await world.clock.advance(LONG)
      expect(leadersOf([early, late])).toEqual(['late'])
    })
  })

  test('who knows of a later leader does not heed one of before, even when the later one is gone', async () => {
    const world = createWorld()
    const [leader, follower] = await leaderAndFollower(world)
    const former: ElectionMessage = {
      type: 'lead',
      term: (termsOf(leader, 'lead')[0] ?? 0) - 1,
      hubId: 'former',
    }
    leader.agent.kill()
    follower.election.suspect(leader.hubId)
    expect(follower.hear(former)).toBe(false)
    await stand(world, [follower], CLAIM)
    expect(follower.notes).toEqual(['elected'])
  })

  test('when the leader resigns, another is elected without a challenge', async () => {
    const world = createWorld()
    const [leader, follower] = await leaderAndFollower(world)
    leader.election.withdraw()
    await world.clock.advance(0)
    await stand(world, [follower], CLAIM)
    expect(follower.notes).toEqual(['elected'])
    expect(leader.posted.at(-1)).toEqual({ type: 'resign', hubId: leader.hubId })
  })

  test('who withdraws a claim is not elected, and says nothing', async () => {
    const world = createWorld()
    const [page] = voters(world, byTerm, 'page') as [Voter]
    page.election.stand()
    page.election.withdraw()
    await world.clock.advance(LONG)
    expect(page.notes).toEqual([])
    expect(page.posted.map(({ type }) => type)).toEqual(['claim'])
  })

  test('who has resigned may stand again', async () => {
    const world = createWorld()
    const [page] = voters(world, byTerm, 'page') as [Voter]
    await stand(world, [page], CLAIM)
    const former = page.hubId
    page.election.withdraw()
    await stand(world, [page], CLAIM)
    expect(page.notes).toEqual(['elected', 'elected'])
    expect(page.hubId).not.toBe(former)
  })

  test('a suspicion of the leader lets its follower stand, one of another hub does not', async () => {
    const world = createWorld()
    const [leader, follower] = await leaderAndFollower(world)
    const claims = () => termsOf(follower, 'claim').length
    const before = claims()
    follower.election.suspect('another hub')
    await stand(world, [follower])
    expect(claims()).toBe(before)
    follower.election.suspect(leader.hubId)
    await stand(world, [follower])
    expect(claims()).toBe(before + 1)
  })

  test('a resignation of another hub changes nothing', async () => {
    const world = createWorld()
    const [leader, follower] = await leaderAndFollower(world)
    const { length } = follower.posted
    for (const voter of [leader, follower]) voter.hear(RESIGNED)
    await stand(world, [follower])
    expect(follower.posted).toHaveLength(length)
    expect(leader.notes).toEqual(['elected'])
  })

  test('a claim never counts', async () => {
    const world = createWorld()
    const [leader, follower] = await leaderAndFollower(world)
    expect([leader, follower].map((voter) => voter.hear(CLAIMED))).toEqual([false, false])
  })

  test('a term below every other harms no leader', async () => {
    const world = createWorld()
    const [leader, follower] = await leaderAndFollower(world)
    for (const voter of [leader, follower]) {
      expect(voter.hear({ type: 'lead', term: -1, hubId: 'absurd' })).toBe(false)
      expect(voter.hear({ type: 'claim', term: -1, hubId: 'absurd' })).toBe(false)
    }
    await world.clock.advance(LONG)
    expect(notesOf([leader, follower])).toEqual([['elected'], []])
  })
})
