import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import {
  type Category,
  type ResumptionVerdict,
  resumptionVerdict,
  type Trait,
} from '../../../src/tester/resumption-verdict.ts'
import { SERVER_CASES, type ServerCase } from '../../servers.ts'
import { findingsAt } from './findings.ts'
import { serveScript } from './scripted.ts'

// A busy machine takes its time.
vi.setConfig({ testTimeout: 20_000 })

type Told = readonly [category: Category | undefined, ...traits: Trait[]]

const FRAMES: Told = ['after', 'frames']
const COUNTS: Told = ['counts again']

/** What the tester says of each kind of the table: by the beginning of its name, the first that fits. */
const TOLD: Readonly<Record<string, Told>> = {
  'greeting with a fresh ID, and nothing else on several connections': [undefined, 'frames'],
  'greeting of constant content': ['after'],
  greeting: FRAMES,
  'a greeting without an ID': FRAMES,
  'a faithful replay that begins after more than a second': ['after'],
  heartbeat: FRAMES,
  counter: COUNTS,
  'IDs that count within the connection': COUNTS,
  'an outbox': ['after', 'late'],
  'events twice': ['after', 'twice'],
  '50': [undefined],
  'response header last-event-id that confirms': ['after'],
  'response header last-event-id for': ['after'],
  'response header mercure-last-event-id that confirms': ['after'],
  'response header mercure-last-event-id for': ['after'],
  'response header tabstream-resumed: 1': ['after'],
  'response header': ['forgets'],
  'several events': ['after', 'groups'],
  'IDs with': ['after'],
  'a POST whose answer has IDs': FRAMES,
  'a POST': ['no IDs'],
  'the last frame': ['no IDs'],
  'the answer is no stream': [undefined],
  'a script that sends one event': ['ignores'],
  'a server that ignores': ['ignores'],
  everything: ['everything'],
}

const toldOf = (kind: string): Told | undefined =>
  Object.entries(TOLD).find(([beginning]) => kind.startsWith(beginning))?.[1]

const isGap = (words: string): boolean => words.startsWith('gap ')

/** A page is told of a gap, by the table. What a POST without IDs brings is not asked for again. */
const hasGap = ({ kind, connections }: ServerCase): boolean =>
  connections[1]?.given.some(isGap) === true || kind.startsWith('a script that sends one event')

async function verdictOn({ connections, options }: ServerCase): Promise<ResumptionVerdict> {
  const { method = 'GET', body } = options?.() ?? {}
  const url = await serveScript({ onTestFinished: (end) => ends.push(end as () => void) }, connections)
  const findings = await findingsAt(url, {
    cutAfter: connections[0]?.given.filter((words) => !isGap(words)).length ?? 0,
    method,
    body: body === undefined ? undefined : JSON.stringify(body),
  })
  return resumptionVerdict(findings.resumption)
}

const ends: (() => void)[] = []
/** All at once: most of the time is waiting. */
let verdicts: Map<string, Promise<ResumptionVerdict>>

test('each kind has a name of its own', () => {
  expect(new Set(SERVER_CASES.map(({ kind }) => kind)).size).toBe(SERVER_CASES.length)
})

beforeAll(() => {
  verdicts = new Map(SERVER_CASES.map((server) => [server.kind, verdictOn(server)]))
})

afterAll(() => {
  for (const end of ends) end()
})

/** On a busy machine a server may send what it means to send one by one in a burst. Then it is tried again, by itself. */
const PATIENT = { retry: 2 }

test.each(SERVER_CASES)('the tester tells $kind', PATIENT, async (server) => {
  const begun = verdicts.get(server.kind)
  verdicts.delete(server.kind)
  const verdict = await (begun ?? verdictOn(server))
  const evidence = JSON.stringify(verdict, undefined, 1)
  expect([verdict.category, ...verdict.traits], evidence).toEqual(toldOf(server.kind))
  expect(verdict.gap !== undefined, evidence).toBe(hasGap(server))
})
