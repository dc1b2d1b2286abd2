import { describe, expect, test, vi } from 'vitest'
import { type Category, resumptionVerdict, type Trait } from '../../../src/tester/resumption-verdict.ts'
import { KINDS } from '../../sim/world/kinds.ts'
import type { ServerKind, VirtualServer } from '../../sim/world/server.ts'
import { findingsAt } from './findings.ts'
import { serveKind } from './virtual-kind.ts'

// A busy machine takes its time.
vi.setConfig({ testTimeout: 20_000 })

interface Expected {
  readonly category: Category
  readonly traits?: readonly Trait[]
  readonly gap?: string
  readonly cutAfter?: number
  readonly afterFirst?: (server: VirtualServer) => void
}

const outlive = (server: VirtualServer) => {
  for (let count = 0; count < 20; count++) server.send('a')
}

const EXPECTED: Record<ServerKind, Expected> = {
  strict: { category: 'after' },
  inclusive: { category: 'from' },
  forgetful: { category: 'forgets', gap: 'history-lost', afterFirst: outlive },
  candid: { category: 'forgets', gap: 'history-lost', afterFirst: outlive },
  mercure: { category: 'forgets', gap: 'history-lost', afterFirst: outlive },
  tabstream: { category: 'forgets', gap: 'history-lost', afterFirst: outlive },
  ignoring: { category: 'ignores', gap: 'history-lost' },
  repeating: { category: 'everything' },
  'without-ids': { category: 'no IDs', gap: 'unresumable' },
  sparse: { category: 'after', traits: ['sparse'], cutAfter: 8 },
  'sparse-ephemeral': { category: 'some IDs', gap: 'unresumable', cutAfter: 8 },
  grouped: { category: 'after', traits: ['groups'] },
  greeting: { category: 'after', traits: ['frames'] },
  'greeting-without-id': { category: 'after', traits: ['frames'] },
  'constant-greeting': { category: 'after' },
  heartbeats: { category: 'after', traits: ['frames'] },
  'message-heartbeats': { category: 'after', traits: ['frames'] },
  'greeting-and-heartbeats': { category: 'after', traits: ['frames'] },
  restarting: { category: 'counts again', gap: 'history-lost', afterFirst: (server) => server.restart() },
  'per-connection': { category: 'counts again', gap: 'history-lost' },
  'late-commits': { category: 'after', traits: ['late'], cutAfter: 4 },
  stuttering: { category: 'after', traits: ['twice'] },
  polling: { category: 'after' },
  paging: { category: 'after' },
  dispensing: { category: 'after' },
}

// On a busy machine live events may come in bursts, as a replay does.
describe('each kind of the simulation is told', { retry: 2 }, () => {
  test.concurrent.for(Object.keys(KINDS) as ServerKind[])('%s', async (kind, context) => {
    const { category, traits = [], gap, cutAfter, afterFirst } = EXPECTED[kind]
    const { url } = await serveKind(context, kind, afterFirst)
    const findings = await findingsAt(url, { cutAfter: cutAfter ?? 5 })
    const verdict = resumptionVerdict(findings.resumption)
    expect([verdict.category, verdict.traits, verdict.gap], verdict.evidence.join('\n')).toEqual([
      category,
      traits,
      gap,
    ])
  })
})
