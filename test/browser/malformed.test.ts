import { describe, expect, test } from 'vitest'
import { INSECURE, inspect, launchChromium, launchInsecure } from './browser.ts'
import { Fleet } from './fleet.ts'
import { ESSENTIAL, useBrowser } from './stage.ts'

declare global {
  // These live in the page.
  /** The names of the channels that it has opened. */
  var channelNames: string[]
  /** What any script of the origin might write, and what tabstream itself never does. */
  var garbage: { forAny: unknown[]; forPages: unknown[]; forLinks: unknown[]; harmless: unknown[] }
}

function learnNames(): void {
  globalThis.channelNames = []
  globalThis.BroadcastChannel = class extends BroadcastChannel {
    constructor(name: string) {
      super(name)
      channelNames.push(name)
    }
  }
}

function collectGarbage(): void {
  let deep: unknown = 'bottom'
  for (let depth = 0; depth < 500; depth++) deep = { type: [deep] }
  const cyclic: { id: string; type: string; self?: unknown } = { id: 'x', type: 'APPLY' }
  cyclic.self = cyclic
  const call = (path: unknown, argumentList: unknown = []) => ({ id: 'x', type: 'APPLY', path, argumentList })
  const calls = (method: string, ...values: unknown[]) =>
    call(
      [method],
      values.map((value) => ({ type: 'RAW', value })),
    )
  const position = { log: 'l', seq: 1, ordinal: 1, resumeAfter: '', expect: [] }
  const request = { url: '/events/stolen', credentials: 'same-origin' }
  globalThis.garbage = {
    forAny: [
      ...[null, undefined, true, 0, -1, Number.NaN, 5n, '', 'lead', [], {}, [[[]]], deep, cyclic],
      ...[
        new Date(),
        new Map([['type', 'lead']]),
        new ArrayBuffer(8),
        new Error('lead'),
        'x'.repeat(100_000),
      ],
      ...[{ type: null }, { type: 'lead' }, { type: 'claim' }, { type: 'resign' }, { type: 'seek' }],
      { type: 'toString' },
    ],
    forPages: [
      { type: 'lead', term: 1 },
      { type: 'lead', term: '1', hubId: 'x' },
      { type: 'lead', term: Number.POSITIVE_INFINITY, hubId: 'x' },
      { type: 'lead', term: 1, hubId: '' },
      { type: 'claim', term: 1.5, hubId: 'x' },
      { type: 'claim', term: {}, hubId: {} },
      { type: 'resign', hubId: 5 },
      { type: 'seek', link: 5 },
      { type: 'seek', link: ['x'] },
      { type: 'found', link: 'x' },
      { type: 'found', link: 'x', hubId: null },
      call(['ping']),
    ],
    forLinks: [
      ...[{ id: 'x' }, { id: 5, type: 'RAW' }, { id: 'x', type: 'APPLY' }, call('ping'), call(null)],
      ...[call([]), call([5]), call(['ping'], null), call(['ping'], [5]), call(['ping'], { length: 1 })],
      ...[call(['constructor']), call(['__proto__']), call(['attach', 'call']), call(['nothing'])],
      ...['GET', 'SET', 'CONSTRUCT', 'ENDPOINT', 'RELEASE'].map((type) => ({ ...call(['ping']), type })),
      call(['ping', 'constructor', 'constructor'], [{ type: 'RAW', value: 'throw 1' }]),
      { ...call(['ping']), argumentList: [{ type: 'HANDLER', name: 'proxy', value: null }] },
      ...[calls('attach'), calls('attach', null), calls('attach', 'x'), calls('attach', { tabId: 5 })],
      ...[calls('unsubscribe'), calls('unsubscribe', '1'), calls('subscribe'), calls('subscribe', { id: 1 })],
      calls('subscribe', { id: 'x', epoch: 1, request, names: [] }),
      calls('subscribe', { id: 99, epoch: 1, request: {}, names: [] }),
      calls('subscribe', { id: 99, epoch: 1, request: { ...request, credentials: 'all' }, names: [] }),
      calls('subscribe', { id: 99, epoch: 1, request, names: [null] }),
      calls('subscribe', { id: 99, epoch: 1, request, names: 'all' }),
      calls('subscribe', { id: 99, epoch: 1, request, names: [], position: {} }),
      calls('subscribe', { id: 99, epoch: 1, request, names: [], position: { ...position, expect: [null] } }),
      calls('subscribe', { id: 99, epoch: 1, request, names: [], seen: [5] }),
      ...[calls('deliver'), calls('deliver', null), calls('deliver', { hubId: 'x' })],
      calls('deliver', { hubId: 'x', subscription: 1, epoch: 1, entries: 'all', position }),
      calls('deliver', { hubId: 'x', subscription: 1, epoch: 1, entries: [], position: null }),
      { id: 'x', type: 'HANDLER', name: 'throw', value: null },
    ],
    // In order as far as one can see, but from nobody: ignored without being counted.
    harmless: [
      { id: 'x', type: 'RAW', value: { hubId: 'x' } },
      { id: 'x', type: 'HANDLER', name: 'throw', value: { isError: true, value: {} } },
    ],
  }
}

describe.each([
  ['with locks', ESSENTIAL, launchChromium, undefined],
  ['without locks', {}, launchInsecure, INSECURE],
] as const)('%s', (_name, options, launch, hostname) => {
  const stage = useBrowser(() => launch(), hostname)

  test('messages that make no sense are counted, and disturb nobody', options, async () => {
    const set = await stage()
    await set.context.addInitScript(learnNames)
    const fleet = await Fleet.assemble(set, { host: 'leader' })
    const { channel, feed } = fleet
    const hubId = await fleet.expectOneHub()
    const leader = await fleet.leader()
    expect(leader).toBe(0)
    const names = await Promise.all(fleet.tabs.map((tab) => tab.page.evaluate(() => channelNames)))
    const [common] = names[1] ?? []
    expect(common).toMatch(/^tabstream\/\d+\/$/)
    const link = names[1]?.find((name) => name.startsWith(`${common}/${hubId}/`))
    if (!common || !link) throw new Error(`a follower has the channels ${names[1]}`)
    const vandal = await set.open('/page?native')
    await vandal.page.evaluate(collectGarbage)

    feed.start()
    await feed.more(200)
    const [written, toLink] = await vandal.page.evaluate(
      ([common, link]) => {
        const write = (name: string, messages: unknown[]) => {
          const channel = new BroadcastChannel(name)
          for (const message of messages) channel.postMessage(message)
          return messages.length
        }
        const { forAny, forPages, forLinks, harmless } = garbage
        const counts = [
          write(common, [...forAny, ...forPages]),
          write(link, [...forAny, ...forLinks]),
          write(link, harmless),
        ]
        return counts
      },
      [common, link] as const,
    )
    await feed.more(200)
    await fleet.finish()
    await fleet.expectNothingMissing()
    expect(await fleet.expectOneHub()).toBe(hubId)
    expect(channel.totalConnections).toBe(1)
    expect(set.server.journal.filter((entry) => entry.includes('stolen'))).toEqual([])

    // What was written to the link came to both its ends, and what came to the hub is told to everybody.
    const counted = await Promise.all(fleet.tabs.map(async (tab) => (await inspect(tab)).malformed))
    if (written === undefined || toLink === undefined) throw new Error('nothing was written')
    expect(counted).toEqual(fleet.tabs.map((_tab, index) => written + toLink * (index === 1 ? 2 : 1)))
    console.log(`${written} messages to all pages, ${toLink} to a link: ${fleet.describe()}`)
  })
})
