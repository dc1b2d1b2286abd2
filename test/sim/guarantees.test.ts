import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { brokenPromises } from './promises.ts'
import { type Happening, play, type Schedule } from './schedule.ts'
import { KINDS, type ServerKind } from './world/kinds.ts'

// What docs/guarantees.md says a page is given is what these servers lead to, in a schedule of which each part is usual.

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/guarantees.md'), 'utf8')

/** The kinds of server that each row of its table is about. */
const ROWS: Record<string, { kinds: ServerKind[] }> = {
  'replays what came after the ID': { kinds: ['strict', 'polling', 'paging', 'dispensing'] },
  'replays from the ID on': { kinds: ['inclusive'] },
  'has the same ID on several events': { kinds: ['grouped'] },
  'sends an ID with some events only, and keeps them all': { kinds: ['sparse'] },
  'greets each connection': {
    kinds: [
      'greeting',
      'greeting-without-id',
      'constant-greeting',
      'heartbeats',
      'message-heartbeats',
      'greeting-and-heartbeats',
    ],
  },
  'commits some events late': { kinds: ['late-commits'] },
  'repeats all it has': { kinds: ['repeating'] },
  'forgets old IDs': { kinds: ['forgetful', 'candid', 'mercure', 'tabstream'] },
  'ignores `Last-Event-ID`': { kinds: ['ignoring'] },
  'counts from 1 again': { kinds: ['restarting', 'per-connection'] },
  'sends events twice': { kinds: ['stuttering'] },
  // Played by real servers: unit/tester/others.test.ts, servers/nchan-tester.test.ts.
  'gives an event another ID when it sends it again': { kinds: [] },
  'sends no IDs': { kinds: ['without-ids'] },
  'sends an ID with some events only, and keeps only those': { kinds: ['sparse-ephemeral'] },
}

/** Left column and right column. */
const table = PAGE.slice(PAGE.indexOf('| a server that | gives a page'))
  .split('\n\n', 1)[0]
  ?.split('\n')
  .slice(2)
  .map((row) => row.split(' | ') as [string, string])

const rowOf = (beginning: string): [string, string] | undefined =>
  table?.find(([left]) => left.replace('| ', '').startsWith(beginning))

const reasonsIn = (text: string): string[] =>
  [...text.matchAll(/\(`([a-z-]+)`/g)].map(([, reason]) => reason ?? '')

const send = (count: number, wait = 200): Happening => ({
  type: 'send',
  server: 0,
  names: Array.from({ length: count }, (_, index) => (['a', 'b', 'c'] as const)[index % 3] ?? 'a'),
  wait,
})

/** Two cuts, with `missed` events before the server is back; then the death of the hub. */
const scheduleOf = (kind: ServerKind, missed: number): Schedule => ({
  seed: 7,
  host: 'shared-worker',
  kinds: [kind],
  logEvents: 10_000,
  hasLocks: true,
  sharesUrls: false,
  happenings: [
    { type: 'open', server: 0, names: ['a', 'b', 'c'], wait: 1_000 },
    { type: 'open', server: 0, names: ['a'], wait: 1_000 },
    ...Array.from({ length: 7 }, () => send(1, 1_500)),
    ...[1, 2].flatMap((): Happening[] => [
      { type: 'heartbeat', server: 0, wait: 10 },
      { type: 'restart', server: 0, wait: 0 },
      send(missed, 3_000),
      ...Array.from({ length: 4 }, () => send(1, 1_500)),
    ]),
    { type: 'kill worker', wait: 3_000 },
    ...Array.from({ length: 4 }, () => send(1, 1_500)),
  ],
})

async function gapsOf(kind: ServerKind, missed: number): Promise<string[]> {
  const schedule = scheduleOf(kind, missed)
  expect(await brokenPromises(schedule)).toEqual([])
  const { tabs } = await play(schedule)
  const records = tabs.flatMap(({ subscriptions }) => subscriptions.flatMap((one) => one.records))
  return [...new Set(records.flatMap((record) => (record.type === 'gap' ? [record.reason] : [])))]
}

test('the table of servers has a row for each kind', () => {
  expect(table?.length).toBe(Object.keys(ROWS).length)
  expect(
    Object.values(ROWS)
      .flatMap(({ kinds }) => kinds)
      .sort(),
  ).toEqual(Object.keys(KINDS).sort())
})

const kinds = Object.entries(ROWS).flatMap(([beginning, { kinds }]) =>
  kinds.map((kind) => ({ kind, beginning })),
)

test.each(kinds)('a server "$kind" gives a page what the documentation says', async ({ kind, beginning }) => {
  const [, right = ''] = rowOf(beginning) ?? []
  expect(right).not.toBe('')
  const isWhole = /^(everything, once|as they come)/.test(right)
  expect(await gapsOf(kind, 3)).toEqual(isWhole ? [] : reasonsIn(right))
})

test.each(['forgetful', 'candid', 'mercure', 'tabstream'] as const)(
  'a server "%s" tells what it has forgotten',
  async (kind) => {
    const [, right = ''] = rowOf('forgets old IDs') ?? []
    expect(await gapsOf(kind, 30)).toEqual(reasonsIn(right))
  },
)
