import { inspect } from 'node:util'
import { expose, wrap } from 'comlink'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LinkEndpoint } from '../../../src/link/endpoint.ts'
import { type Calls, guarded, HUB_CALLS, TAB_CALLS } from '../../../src/link/guard.ts'
import { pack } from '../../../src/link/pack.ts'
import {
  type Batch,
  type ConnectionError,
  EVENT_SOURCE_POLICY,
  type HubSide,
  LATER,
  type Position,
  type ResumeRequest,
  type StreamRequest,
  type Subscription,
  type TabSide,
} from '../../../src/link/protocol.ts'
import { NOWHERE } from '../../../worker/stream/anchor.ts'
import { requestTo, stateEntry } from '../../sim/world/samples.ts'
import { createWorld } from '../raw-tab.ts'

/** Lets a test play the other end, and notes what is written to that. */
class FakeEndpoint implements LinkEndpoint {
  readonly posted: unknown[][] = []
  isStarted = false
  isClosed = false
  readonly #listeners = new Set<EventListenerOrEventListenerObject>()

  /** Throws when it is closed, as a BroadcastChannel does. */
  postMessage(...written: unknown[]): void {
    if (this.isClosed) throw new DOMException('the channel is closed', 'InvalidStateError')
    this.posted.push(written)
  }

  addEventListener(_type: string, listener: EventListenerOrEventListenerObject): void {
    this.#listeners.add(listener)
  }

  removeEventListener(_type: string, listener: EventListenerOrEventListenerObject): void {
    this.#listeners.delete(listener)
  }

  start(): void {
    this.isStarted = true
  }

  close(): void {
    this.isClosed = true
  }

  emit(data: unknown): void {
    const event = new MessageEvent('message', { data })
    for (const listener of this.#listeners) (listener as EventListener)(event)
  }
}

/** A guarded endpoint, what it lets through, and how often it does not. */
function watched(calls: Calls) {
  const endpoint = new FakeEndpoint()
  const delivered: unknown[] = []
  const counts = { dropped: 0 }
  const guard = guarded(endpoint, calls, () => counts.dropped++)
  guard.addEventListener('message', (event) => delivered.push((event as MessageEvent).data))
  return { endpoint, guard, delivered, counts }
}

/** What becomes of one message. */
function fateOf(message: unknown, calls: Calls = HUB_CALLS): 'passes' | 'is dropped' {
  const { endpoint, delivered, counts } = watched(calls)
  endpoint.emit(message)
  expect(delivered.length + counts.dropped).toBe(1)
  return delivered.length === 1 ? 'passes' : 'is dropped'
}

const raw = (value: unknown) => ({ type: 'RAW', value })

/** As Comlink writes it. */
const call = (method: string, ...values: unknown[]) => ({
  id: '1-2-3-4',
  type: 'APPLY',
  path: [method],
  argumentList: values.map(raw),
})

const POSITION: Position = { ...NOWHERE, log: 'hub/1', seq: 3, subscribers: 1 }

const SUBSCRIPTION: Subscription = {
  id: 1,
  epoch: 1,
  request: requestTo('https://dash.test/0'),
  policy: EVENT_SOURCE_POLICY,
  names: ['a', 'b'],
  renews: [2],
}

const BATCH: Batch = {
  hubId: 'hub',
  subscription: 1,
  epoch: 1,
  entries: pack([{ ...stateEntry('open'), seq: 1 }]),
  position: POSITION,
  beginsAnew: false,
  mayWait: false,
}

const ERROR = { message: 'status 503', status: 503, contentType: 'text/plain', body: 'later' }

const PASSED = {
  id: 'id-1',
  nth: 0,
  digest: 7,
  ordinal: 3,
  at: 2.5,
  isAside: true,
  beginsAnew: true,
  same: 'a\n1',
}

const HABIT = { name: 'a', hasId: false, digest: 7, differs: true }

const SEEN = { events: [PASSED], since: 2 }

/** Each message with words for it, since most look alike in the name of a test. */
const inWords = (messages: readonly unknown[]) =>
  messages.map((message) => ({ message, words: inspect(message, { depth: 4, breakLength: Infinity }) }))

/** `whole` with one member after the other replaced by each of these. */
const spoilt = <Whole extends object>(whole: Whole, replacements: { [Key in keyof Whole]?: unknown[] }) =>
  Object.entries(replacements).flatMap(([key, values]) =>
    (values as unknown[]).map((value) => ({ ...whole, [key]: value })),
  )

describe('a conversation of Comlink', () => {
  /** Two ends, both guarded, and what each is asked for. */
  const conversing = (hubSide: Partial<HubSide>, tabSide: Partial<TabSide>) => {
    const world = createWorld()
    const counts = { dropped: 0 }
    const dropped = () => counts.dropped++
    const { port1, port2 } = world.link(world.agent('hub'), world.agent('tab'))
    const ends = { hub: guarded(port1, HUB_CALLS, dropped), tab: guarded(port2, TAB_CALLS, dropped) }
    expose(hubSide, ends.hub)
    expose(tabSide, ends.tab)
    return { world, counts, hub: wrap<HubSide>(ends.tab), tab: wrap<TabSide>(ends.hub) }
  }

  test('passes: each call of a hub, and each answer', async () => {
    const asked: unknown[] = []
    const note =
      <Result>(result: Result) =>
      (...args: unknown[]) => {
        asked.push(...args)
        return result
      }
    const report = { hubId: 'hub', tabs: 0, malformed: 0, streams: [], origins: [] }
    const { world, counts, hub } = conversing(
      {
        attach: note('hub'),
        subscribe: note('hub'),
        unsubscribe: note(undefined),
        detach: note(undefined),
        wake: note(undefined),
        ping: note('hub'),
        inspect: note(report),
      },
      {},
    )
    const whole = {
      ...SUBSCRIPTION,
      position: { ...POSITION, from: 2.5, latest: [PASSED], habits: [HABIT] },
      seen: SEEN,
      replay: 'all',
      since: 'ID 1',
    } as const
    const answers = Promise.all([
      hub.attach({ tabId: 'tab', holdsLock: true }),
      hub.subscribe(SUBSCRIPTION),
      hub.subscribe(whole),
      hub.unsubscribe(1),
      hub.detach(),
      hub.wake(true),
      hub.ping(),
      hub.inspect(),
    ])
    await world.clock.advance(0)
    expect(await answers).toEqual(['hub', 'hub', 'hub', undefined, undefined, undefined, 'hub', report])
    expect(asked).toEqual([{ tabId: 'tab', holdsLock: true }, SUBSCRIPTION, whole, 1, true])
    expect(counts.dropped).toBe(0)
  })

  test('passes: each call of a tab, and each answer', async () => {
    const batches: Batch[] = []
    const deliver = async (batch: Batch) => {
      batches.push(batch)
      return undefined
    }
    const { world, counts, tab } = conversing({}, { deliver, ping: () => {} })
    const answers = Promise.all([tab.deliver(BATCH), tab.ping()])
    await world.clock.advance(0)
    expect(await answers).toEqual([undefined, undefined])
    expect(batches).toEqual([BATCH])
    expect(counts.dropped).toBe(0)
  })

  /** What a call rejects with, where the other end throws. */
  const rejection = async (thrown: unknown) => {
    const ping = () => {
      throw thrown
    }
    const { world, counts, hub } = conversing({ ping }, {})
    const outcome = hub.ping().catch((error: unknown) => error)
    await world.clock.advance(0)
    expect(counts.dropped).toBe(0)
    return outcome
  }

  test('passes: an error that a call throws', async () => {
    const error = await rejection(new RangeError('too far'))
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({ name: 'RangeError', message: 'too far' })
  })

  test('passes: anything else that a call throws', async () => {
    expect(await rejection('too far')).toBe('too far')
  })
})

describe('a message', () => {
  test.each(
    inWords([
      null,
      undefined,
      0,
      1n,
      'ping',
      true,
      [],
      {},
      [call('ping'), null],
      new Map([['type', 'APPLY']]),
      ...spoilt(call('ping'), {
        id: [undefined, null, 5, {}],
        type: [
          undefined,
          null,
          5,
          'apply',
          'GET',
          'SET',
          'CONSTRUCT',
          'ENDPOINT',
          'RELEASE',
          'RAW',
          'HANDLER',
        ],
        argumentList: [
          undefined,
          null,
          {},
          'RAW',
          [5],
          [null],
          [[]],
          [{ type: 'HANDLER', name: 'proxy', value: {} }],
        ],
        path: [undefined, null, 'ping', {}, [], ['ping', 'call'], [['ping']], [5], [null], [undefined]],
      }),
    ]),
  )('that is no call is dropped: $words', ({ message }) => {
    expect(fateOf(message)).toBe('is dropped')
  })

  test.each(
    inWords([
      { id: 5, type: 'RAW', value: 1 },
      { type: 'RAW', value: 1 },
      { id: '1', type: 'HANDLER' },
      { id: '1', type: 'HANDLER', name: 'proxy', value: {} },
      { id: '1', type: 'HANDLER', name: 'throw' },
      { id: '1', type: 'HANDLER', name: 'throw', value: null },
      { id: '1', type: 'HANDLER', name: 'throw', value: 'words' },
      { id: '1', type: 'RAW', value: 1, path: ['ping'] },
      { id: '1', type: 'HANDLER', name: 'throw', value: {}, path: [] },
    ]),
  )('that is no answer is dropped: $words', ({ message }) => {
    expect(fateOf(message)).toBe('is dropped')
  })

  test.each([
    'constructor',
    '__proto__',
    'toString',
    'hasOwnProperty',
    'join',
    'leave',
    'listen',
    '',
    'deliver',
  ])('that calls what no hub offers is dropped: %s', (method) => {
    expect(fateOf(call(method))).toBe('is dropped')
    expect(fateOf(call(method, BATCH))).toBe('is dropped')
  })

  test.each(['constructor', 'toString', 'attach', 'subscribe', 'inspect'])(
    'that calls what no tab offers is dropped: %s',
    (method) => {
      expect(fateOf(call(method), TAB_CALLS)).toBe('is dropped')
      expect(fateOf(call(method, SUBSCRIPTION), TAB_CALLS)).toBe('is dropped')
    },
  )
  test.each(
    inWords([
      { id: '1', type: 'RAW', value: 1, argumentList: 5 },
      { id: '1', type: 'RAW', value: 1, argumentList: [null] },
      { id: '1', type: 'RELEASE', name: 'throw', value: {} },
      { id: '1', type: 'SET', name: 'throw', value: {} },
      { id: '1', type: 'GET', name: 'throw', value: {} },
      { id: '1', type: 'ENDPOINT', name: 'throw', value: {} },
      { id: '1', type: 'CONSTRUCT', name: 'throw', value: {} },
      { id: '1', type: 'APPLY', name: 'throw', value: {} },
    ]),
  )('in the guise of an answer is dropped: $words', ({ message }) => {
    expect(fateOf(message)).toBe('is dropped')
  })
})

describe('an attachment', () => {
  const attachment = { tabId: 'tab', holdsLock: true }

  test.each(
    inWords([
      undefined,
      null,
      'tab',
      [],
      ...spoilt(attachment, {
        tabId: [undefined, null, 5, {}],
        holdsLock: [undefined, 1, 'true'],
      }),
    ]),
  )('that makes no sense is dropped: $words', ({ message }) => {
    expect(fateOf(call('attach', attachment))).toBe('passes')
    expect(fateOf(call('attach', message))).toBe('is dropped')
  })
})

const PASSED_SPOILT = [
  undefined,
  null,
  {},
  'place',
  [5],
  [PASSED, null],
  [PASSED, 'place'],
  ...spoilt(PASSED, {
    id: [undefined, null, 5, 'a\0', 'a\nb', '\r'],
    nth: [undefined, null, '0', 0.5],
    digest: [undefined, null, '7', Number.NaN],
    ordinal: [undefined, null, '3', 0.5],
    at: [null, '2', Number.NaN],
    isAside: [null, 1, 'true'],
    beginsAnew: [null, 1, 'true'],
    same: [null, 1],
  }).map((passed) => [PASSED, passed]),
]

const POSITIONS = inWords([
  null,
  5,
  'hub/1',
  [],
  {},
  ...spoilt(POSITION, {
    log: [undefined, null, 5],
    seq: [undefined, null, '3', 3n],
    ordinal: [undefined, '1'],
    resumeAfter: [undefined, null, 5, 'a\0', 'a\nb', '\r'],
    from: [undefined, null, '2', Number.NaN],
    latest: PASSED_SPOILT,
    greeting: [undefined, null, '7', 0.5],
    habits: [
      undefined,
      null,
      {},
      [null],
      ...spoilt(HABIT, {
        name: [undefined, null, 5],
        hasId: [undefined, null, 1],
        digest: [null, '7', 0.5],
        differs: [undefined, null, 0],
      }).map((habit) => [HABIT, habit]),
    ],
    unproven: [undefined, null, 1],
    mixed: [undefined, null, 'true'],
    subscribers: [undefined, null, '1', 0.5],
  }),
])

const NUMBERS_BEYOND = [Number.NaN, Infinity, -Infinity, 1e308, 0.5]

describe('a subscription', () => {
  test.each(
    inWords([
      undefined,
      null,
      5,
      [],
      {},
      ...spoilt(SUBSCRIPTION, {
        id: [undefined, null, '1'],
        epoch: [undefined, null, '1'],
        request: [
          undefined,
          null,
          'https://dash.test/0',
          {},
          { url: 5, credentials: 'include' },
          { url: 'https://dash.test/0' },
          { ...SUBSCRIPTION.request, redirect: 'manual' },
          { ...SUBSCRIPTION.request, redirect: null },
          { url: 'https://dash.test/0', credentials: 'omit' },
        ],
        names: [undefined, null, 'a', { 0: 'a', length: 1 }, [5], ['a', null], [['a']]],
        seen: [
          null,
          {},
          'place',
          [PASSED],
          ...spoilt(SEEN, { events: PASSED_SPOILT, since: [undefined, null, '2', 0.5] }),
        ],
        renews: [null, 5, {}, [undefined], ['1'], [0.5]],
        policy: spoilt(EVENT_SOURCE_POLICY, {
          // Those that would end every connection at once, for all who share it.
          idleTimeout: [undefined, null, '5s', -1, 15, 999, 2 ** 31, Number.POSITIVE_INFINITY, Number.NaN],
        }),
      }),
    ]),
  )('that makes no sense is dropped: $words', ({ message }) => {
    expect(fateOf(call('subscribe', SUBSCRIPTION))).toBe('passes')
    expect(fateOf(call('subscribe', message))).toBe('is dropped')
  })

  const resume: ResumeRequest = { url: 'https://dash.test/1', method: 'GET', body: undefined, isJson: false }
  const whole: StreamRequest = { ...SUBSCRIPTION.request, asksUrl: true, resume }
  const spoiltResumes = spoilt(resume, {
    url: [null, 5, '/1'],
    method: [undefined, 5],
    body: [null, 5, {}],
    isJson: [undefined, 1],
  })
  test.each(
    inWords(
      spoilt(whole, { asksUrl: [null, false, 1, 'true'], resume: [null, 'auto', {}, ...spoiltResumes] }),
    ),
  )('with a request that makes no sense is dropped: $words', ({ message }) => {
    expect(fateOf(call('subscribe', { ...SUBSCRIPTION, request: whole }))).toBe('passes')
    expect(fateOf(call('subscribe', { ...SUBSCRIPTION, request: message }))).toBe('is dropped')
  })

  const policy = { ...EVENT_SOURCE_POLICY, ephemeral: ['a'], gapEvents: ['b'], identify: '/a~1b/0' }
  test('with a policy that leaves things out passes', () => {
    expect(fateOf(call('subscribe', { ...SUBSCRIPTION, policy: {} }))).toBe('passes')
    expect(fateOf(call('subscribe', { ...SUBSCRIPTION, policy: { retries: 3 } }))).toBe('passes')
    for (const policy of [undefined, null, 'wait', 5])
      expect(fateOf(call('subscribe', { ...SUBSCRIPTION, policy }))).toBe('is dropped')
  })

  test('with a policy that says what the server does passes', () => {
    expect(fateOf(call('subscribe', { ...SUBSCRIPTION, policy }))).toBe('passes')
    expect(fateOf(call('subscribe', { ...SUBSCRIPTION, policy: { ...policy, identify: '' } }))).toBe('passes')
  })

  test.each(
    inWords(
      spoilt(policy, {
        ephemeral: [null, 'a', [5], {}],
        gapEvents: [null, 'a', [5], {}],
        identify: [null, 5, 'a', '/a~2'],
        retries: [undefined, '1', Number.NaN],
        retriesStatuses: [undefined, 1],
        asksRetry: [undefined, 1],
        asksEnd: [undefined, 1],
        repeatsUnsafe: [undefined, 1],
        resumes: [undefined, null, 'none', 1],
        maxEventSize: [undefined, '1', Number.NaN],
      }),
    ),
  )('with a policy that makes no sense is dropped: $words', ({ message }) => {
    expect(fateOf(call('subscribe', { ...SUBSCRIPTION, policy: message }))).toBe('is dropped')
  })

  test.each(POSITIONS)('at a place that makes no sense is dropped: $words', ({ message }) => {
    expect(fateOf(call('subscribe', { ...SUBSCRIPTION, position: POSITION }))).toBe('passes')
    expect(fateOf(call('subscribe', { ...SUBSCRIPTION, position: message }))).toBe('is dropped')
  })
  test.each(NUMBERS_BEYOND)('at a place that no log has is dropped: %d', (seq) => {
    expect(fateOf(call('subscribe', { ...SUBSCRIPTION, position: { ...POSITION, seq } }))).toBe('is dropped')
  })
  test.each([null, 'some'])('that wants a replay of nonsense is dropped: %j', (replay) => {
    expect(fateOf(call('subscribe', { ...SUBSCRIPTION, replay }))).toBe('is dropped')
  })

  test.each([null, 7, {}, '1\n', '1\r', '1\0'])(
    'that begins at an ID that is none is dropped: %j',
    (since) => {
      expect(fateOf(call('subscribe', { ...SUBSCRIPTION, since: '1' }))).toBe('passes')
      expect(fateOf(call('subscribe', { ...SUBSCRIPTION, since }))).toBe('is dropped')
    },
  )

  test.each([undefined, null, '1', {}, []])('is ended by a number only, not by %j', (id) => {
    for (const method of ['unsubscribe', 'end', 'reconnect']) {
      expect(fateOf(call(method, 1))).toBe('passes')
      expect(fateOf(call(method, id))).toBe('is dropped')
    }
  })
})

const ERRORS = inWords([
  null,
  'status 503',
  [],
  {},
  ...spoilt(ERROR, {
    message: [undefined, 5],
    status: [undefined, '503', Number.NaN],
    contentType: [undefined, null, 5],
    body: [undefined, null, {}],
  }),
])

test.each([
  ['1', 'connect', 'round'],
  [1, 5, 'round'],
  [1, undefined, 'round'],
  [1, 'connect', undefined],
  [1, 'connect', 5],
])('a question about headers and URL is dropped where it makes no sense: %j', (...words) => {
  expect(fateOf(call('details', 1, 'connect', 'round'), TAB_CALLS)).toBe('passes')
  expect(fateOf(call('details', ...words), TAB_CALLS)).toBe('is dropped')
})

test.each([undefined, null, '1', 0.5])(
  'a word that streams part is dropped where it makes no sense: %j',
  (id) => {
    expect(fateOf(call('part', 1), TAB_CALLS)).toBe('passes')
    expect(fateOf(call('part', id), TAB_CALLS)).toBe('is dropped')
  },
)

describe('a question about another attempt', () => {
  test.each(ERRORS)('is dropped where its error makes no sense: $words', ({ message }) => {
    expect(fateOf(call('retryDelay', 1, 1, ERROR), TAB_CALLS)).toBe('passes')
    expect(fateOf(call('retryDelay', 1, 1, message), TAB_CALLS)).toBe('is dropped')
  })
})

describe('a batch', () => {
  test.each(
    inWords([
      undefined,
      null,
      [],
      {},
      ...spoilt(BATCH, {
        hubId: [undefined, null, 5],
        subscription: [undefined, '1'],
        epoch: [undefined, '1'],
        entries: [undefined, null, {}, 'entries'],
        mayWait: [undefined, 1],
      }),
    ]),
  )('that makes no sense is dropped: $words', ({ message }) => {
    expect(fateOf(call('deliver', BATCH), TAB_CALLS)).toBe('passes')
    expect(fateOf(call('deliver', message), TAB_CALLS)).toBe('is dropped')
  })

  test.each(POSITIONS)('up to a place that makes no sense is dropped: $words', ({ message }) => {
    expect(fateOf(call('deliver', { ...BATCH, position: message }), TAB_CALLS)).toBe('is dropped')
  })

  test.each(ERRORS)('with a state of an error that makes no sense is dropped: $words', ({ message }) => {
    const batch = (error: unknown) => ({
      ...BATCH,
      entries: pack([{ ...stateEntry('closed', { error: error as ConnectionError }), seq: 1 }]),
    })
    expect(fateOf(call('deliver', batch(ERROR)), TAB_CALLS)).toBe('passes')
    expect(fateOf(call('deliver', batch(message)), TAB_CALLS)).toBe('is dropped')
  })

  test.each([null, 5, 'entry'])('of entries that are none is dropped: %j', (entry) => {
    expect(fateOf(call('deliver', { ...BATCH, entries: [entry] }), TAB_CALLS)).toBe('is dropped')
  })
})

describe('arbitrary values', () => {
  const structured = (value: unknown): unknown => structuredClone(value)

  test('never reach a listener, and never throw', () => {
    fc.assert(
      fc.property(
        fc.anything({ withMap: true, withSet: true, withDate: true, withBigInt: true }),
        (value) => {
          for (const calls of [HUB_CALLS, TAB_CALLS])
            expect(fateOf(structured(value), calls)).toBe('is dropped')
        },
      ),
    )
  })

  test('never reach a listener as the argument of a call', () => {
    const methods = fc.constantFrom('attach', 'subscribe', 'deliver')
    fc.assert(
      fc.property(methods, fc.anything(), (method, value) => {
        const calls = method === 'deliver' ? TAB_CALLS : HUB_CALLS
        expect(fateOf(structured(call(method, value)), calls)).toBe('is dropped')
      }),
    )
  })

  /** Of the members that Comlink looks at, with values that mean something to it. */
  const nearly = fc.record(
    {
      id: fc.oneof({ arbitrary: fc.constant('1'), weight: 4 }, fc.anything()),
      type: fc.constantFrom('APPLY', 'GET', 'SET', 'CONSTRUCT', 'ENDPOINT', 'RELEASE', 'RAW', 'HANDLER'),
      path: fc.oneof(
        fc.array(fc.constantFrom('ping', 'attach', 'constructor', '__proto__', 'toString'), { maxLength: 2 }),
        fc.anything(),
      ),
      argumentList: fc.oneof(
        fc.array(fc.oneof(fc.anything().map(raw), fc.anything()), { maxLength: 2 }),
        fc.anything(),
      ),
      name: fc.constantFrom('throw', 'proxy', 'toString'),
      value: fc.oneof(fc.constant({}), fc.anything()),
    },
    { requiredKeys: [] },
  )

  const isPing = (message: unknown): boolean => {
    const { type, path } = message as Record<string, unknown>
    return type === 'APPLY' && Array.isArray(path) && path.length === 1 && path[0] === 'ping'
  }

  const isAnswer = (message: unknown): boolean => {
    const { type, name, ...rest } = message as Record<string, unknown>
    if ('path' in rest || 'argumentList' in rest) return false
    return type === 'RAW' || (type === 'HANDLER' && name === 'throw')
  }
  test('that look like messages of Comlink reach a listener only if they are', () => {
    fc.assert(
      fc.property(nearly, (drawn) => {
        const message = structured(drawn)
        if (fateOf(message) === 'passes') expect(isPing(message) || isAnswer(message)).toBe(true)
      }),
      { numRuns: 5_000 },
    )
  })
  test('that look like messages of Comlink make it neither throw nor touch anything but what is offered', () => {
    fc.assert(
      fc.property(nearly, (drawn) => {
        const endpoint = new FakeEndpoint()
        const touched: PropertyKey[] = []
        const hub = new Proxy(
          { ping: () => 'hub' },
          {
            get: (target, key, receiver) => {
              touched.push(key)
              return Reflect.get(target, key, receiver)
            },
            set: (_target, key) => touched.push(`set ${String(key)}`) > 0,
          },
        )
        expose(
          hub,
          guarded(endpoint, HUB_CALLS, () => {}),
        )
        endpoint.emit(structured(drawn))
        expect(touched.filter((key) => key !== 'ping')).toEqual([])
      }),
      { numRuns: 5_000 },
    )
  })
})

describe('a guarded endpoint', () => {
  test('passes messages on to every listener, of either kind, until it is removed', () => {
    const { endpoint, guard, delivered } = watched(HUB_CALLS)
    const others: string[] = []
    const object = { handleEvent: () => others.push('object') }
    const removed = () => others.push('removed')
    for (const listener of [object, removed]) guard.addEventListener('message', listener)
    guard.removeEventListener('message', removed)
    endpoint.emit(call('ping'))
    expect(delivered).toEqual([call('ping')])
    expect(others).toEqual(['object'])
  })

  test('counts each message that it drops', () => {
    const { endpoint, delivered, counts } = watched(HUB_CALLS)
    for (const nonsense of [null, 5, {}]) endpoint.emit(nonsense)
    endpoint.emit(call('ping'))
    expect(counts.dropped).toBe(3)
    expect(delivered).toHaveLength(1)
  })

  test('writes and starts as the one that it guards', () => {
    const { endpoint, guard } = watched(HUB_CALLS)
    expect(endpoint.isStarted).toBe(false)
    guard.start?.()
    expect(endpoint.isStarted).toBe(true)
    guard.postMessage('plain')
    guard.postMessage('nothing to transfer', [])
    // A BroadcastChannel takes one argument.
    expect(endpoint.posted).toEqual([['plain'], ['nothing to transfer']])
  })

  test('sends answers that may wait together with what is written next, in order', () => {
    const { endpoint, guard } = watched(TAB_CALLS)
    const answer = (id: string, value?: unknown) => ({ id, ...raw(value) })
    guard.postMessage(answer('1', LATER))
    guard.postMessage(answer('2', LATER))
    expect(endpoint.posted).toEqual([])
    guard.postMessage(answer('3'))
    guard.postMessage(call('wake'))
    const together = [answer('1', LATER), answer('2', LATER), answer('3')]
    expect(endpoint.posted).toEqual([[together], [call('wake')]])
  })

  test('hears messages that come together one by one', () => {
    const { endpoint, delivered } = watched(HUB_CALLS)
    endpoint.emit([{ id: '1', ...raw(LATER) }, call('ping')])
    expect(delivered).toEqual([{ id: '1', ...raw(LATER) }, call('ping')])
  })

  test('delivers and counts nothing after it is closed', () => {
    const { endpoint, guard, delivered, counts } = watched(HUB_CALLS)
    guard.close()
    expect(endpoint.isClosed).toBe(true)
    endpoint.emit(call('ping'))
    endpoint.emit(null)
    expect(delivered).toEqual([])
    expect(counts.dropped).toBe(0)
  })

  test('drops what is written after it is closed, even where that would throw', () => {
    const { endpoint, guard } = watched(HUB_CALLS)
    guard.close()
    expect(() => endpoint.postMessage('unguarded')).toThrow()
    guard.postMessage('guarded')
    guard.postMessage('guarded', [new ArrayBuffer(1)])
    expect(endpoint.posted).toEqual([])
  })
})
