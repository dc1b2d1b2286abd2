import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import type { HubPlatform } from '../../../worker/platform.ts'
import { source } from '../../../worker/source/durable.ts'
import type { Failure } from '../../../worker/source/failure.ts'
import type { Head, Receiver, Source, SourceEvent } from '../../../worker/source/source.ts'
import { requestTo } from '../../sim/world/samples.ts'

interface Given {
  status?: number
  type?: string
  body?: string
  headers?: Record<string, string>
}

/** A batch up to this offset, which is the last of all unless it says otherwise. */
const batch = (next: string, body: string, headers: Record<string, string> = CLOSED): Given => ({
  body,
  headers: { 'Stream-Next-Offset': next, ...headers },
})

const CLOSED = { 'Stream-Up-To-Date': 'true', 'Stream-Closed': 'true' }
const MORE = { 'Stream-Up-To-Date': 'true', 'Stream-Cursor': 'c1' }

interface Sse {
  readonly events: readonly (readonly [name: string, data: string])[]
  readonly failure?: Partial<Failure>
}

/** Reads from a server that gives these answers, one after the other. */
async function read(
  answers: readonly Given[],
  {
    resumeAfter = '',
    latest = [] as string[],
    live = 'long-poll' as 'sse' | 'long-poll',
    sse = [] as Sse[],
    maxEventSize = 1_000,
    offset = '-1',
    times = 1,
    signal = new AbortController().signal,
  } = {},
) {
  const left = [...answers]
  const streams = [...sse]
  const events: SourceEvent[] = []
  const queries: string[] = []
  const ids: string[] = []
  const heads: Head[] = []
  const platform = {
    fetch: async (url: string) => {
      queries.push(new URL(url).search)
      const { status = 200, type = 'application/json', body, headers } = left.shift() ?? { status: 599 }
      return new Response(status === 204 ? null : (body ?? ''), {
        status,
        headers: { 'Content-Type': type, ...headers },
      })
    },
    origin: 'https://dash.test',
    now: () => 0,
    setTimeout: (run: () => void) => setTimeout(run),
    clearTimeout,
    turn: async () => {},
    isOnline: () => true,
  } as unknown as HubPlatform
  const receiver: Receiver = {
    opened: (head) => heads.push(head),
    event: (event) => events.push(event),
    idAlone: (id) => ids.push(id),
    retry: () => {},
    takesUnfinished: () => true,
    advise: () => {},
    alive: () => {},
    flushed: () => undefined,
  }
  const eventSource: Source = async ({ url }, given) => {
    queries.push(new URL(url).search)
    const { events: parts, failure } = streams.shift() ?? { events: [] }
    try {
      for (const [name, data] of parts) given.event({ name, data, id: undefined })
      await given.flushed()
    } catch {
      // Told by the source itself.
    }
    return { message: 'ended', status: 0, isEnd: true, isFinal: false, ...failure } as Failure
  }
  const connect = source(platform, { live, offset, frame: {} }, eventSource)
  const request = {
    ...requestTo('https://dash.test/s'),
    followsRedirects: true,
    resumeAfter,
    latest,
    maxEventSize,
    readsRefusal: true,
    signal,
  }
  for (let time = 1; time < times; time++) await connect(request, receiver)
  const failure = await connect(request, receiver)
  const given = events.map(({ id, data }) => `${id} ${data}`)
  return { given, queries, ids, heads, failure }
}

test('reads what there is, then what is new, a request a round', async () => {
  const { given, queries, failure, ids } = await read([
    batch('b', '[1, {"a":[2,"]"]}]', MORE),
    { status: 204, headers: { 'Stream-Next-Offset': 'b', ...MORE } },
    batch('c', '[3]'),
  ])
  expect(given).toEqual(['1␟-1,1 1', '2␟b,0 {"a":[2,"]"]}', '3␟c,0 3'])
  expect(queries).toEqual([
    '?offset=-1',
    '?cursor=c1&live=long-poll&offset=b',
    '?cursor=c1&live=long-poll&offset=b',
  ])
  expect(ids).toEqual(['0␟-1,0'])
  expect(failure).toMatchObject({ isEnd: true, isFinal: true })
})

test('an empty stream has an ID to resume after', async () => {
  expect((await read([batch('a', '[]')])).ids).toEqual(['0␟-1,0', '0␟a,0'])
})

test('a stream from "now" on has an ID to resume after as soon as the server has told where that is', async () => {
  const { ids } = await read([batch('a', '[]')], { offset: 'now' })
  expect(ids).toEqual([expect.stringMatching(/^\d{10,}␟a,0$/)])
})

test('no message of a stream that begins elsewhere has the number of another', async () => {
  const numbersOf = ({ given }: { given: readonly string[] }) => given.map((one) => one.split('␟')[0])
  const all = numbersOf(await read([batch('z', '["x",3,4]')]))
  for (const [offset, first] of [
    ['now', '[]'],
    ['a', '["x",3]'],
  ] as const) {
    const later = numbersOf(await read([batch('a', first, MORE), batch('b', '["x",3]')], { offset }))
    expect(later).not.toEqual([])
    expect(later.filter((number) => all.includes(number))).toEqual([])
  }
})

test('the rounds of a connection leave nothing at its signal', async () => {
  const nothing = { status: 204, headers: { 'Stream-Next-Offset': 'b', ...MORE } }
  const { signal } = new AbortController()
  let most = 0
  const add = signal.addEventListener.bind(signal)
  signal.addEventListener = (...given: Parameters<typeof add>) => {
    add(...given)
    most = Math.max(most, getEventListeners(signal, 'abort').length)
  }
  await read([batch('b', '[1]', MORE), nothing, nothing, nothing, batch('c', '[2]')], { signal })
  expect(most).toBe(1)
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

test('what is new comes as events, whose offset follows them', async () => {
  const sse = [
    {
      events: [
        ['data', '[2]'],
        ['data', '[3,4]'],
        ['control', '{"streamNextOffset":"d","streamCursor":"c2"}'],
      ],
    },
    {
      events: [
        ['data', '[5]'],
        ['control', '{"streamNextOffset":"e","streamClosed":true}'],
      ],
    },
  ] as const
  const { given, queries, failure } = await read([batch('b', '[1]', MORE)], { live: 'sse', sse: [...sse] })
  expect(given).toEqual(['1␟b,0 1', '2␟b,1 2', '3␟b,2 3', '4␟d,0 4', '5␟e,0 5'])
  expect(queries).toEqual(['?offset=-1', '?cursor=c1&live=sse&offset=b', '?cursor=c2&live=sse&offset=d'])
  expect(failure).toMatchObject({ isEnd: true, isFinal: true })
})

test('an event stream that ends between data and their offset ends the connection', async () => {
  const sse: Sse[] = [
    {
      events: [
        ['control', '{"streamNextOffset":"b"}'],
        ['data', '[2,3]'],
      ],
    },
  ]
  const { given, queries, failure } = await read([batch('b', '[1]', MORE)], { live: 'sse', sse })
  expect(given).toEqual(['1␟b,0 1', '2␟b,1 2'])
  expect(queries).toHaveLength(2)
  expect(failure).toMatchObject({ isEnd: true, isFinal: false })
})

test('known events are known by their numbers, wherever batches end now', async () => {
  const { given, queries, heads } = await read([batch('z', '["x","y",3,4,5,6]')], {
    resumeAfter: '12␟a,2',
    latest: ['13␟b,0', '14␟b,1', '15␟c,0'],
  })
  expect(given).toEqual(['13␟a,3 3', '14␟a,4 4', '15␟a,5 5', '16␟z,0 6'])
  expect(queries).toEqual(['?offset=a'])
  expect(heads).toMatchObject([{ confirmsResumption: true, deniesResumption: false }])
})

test('text is divided where it was', async () => {
  const { given } = await read([{ ...batch('z', 'abcdefgh'), type: 'text/plain; charset=utf-8' }], {
    resumeAfter: '10␟a,1',
    latest: ['12␟b,0', '15␟c,0'],
  })
  expect(given).toEqual(['12␟a,3 bc', '15␟a,6 def', '17␟z,0 gh'])
})

test('text is divided where connections before have divided it, too', async () => {
  const type = 'text/plain'
  const { given } = await read(
    [{ ...batch('b', 'abc', MORE), type }, { status: 503 }, { ...batch('z', 'abcdefgh'), type }],
    { resumeAfter: '10␟a,1', latest: ['15␟c,0'], times: 2 },
  )
  expect(given).toEqual(['12␟b,0 bc', '12␟a,3 bc', '15␟a,6 def', '17␟z,0 gh'])
})

test.each([
  ['410', { status: 410 }],
  ['an earlier offset', batch('a', '[]')],
])('history that is gone, by %s, is told, and what there is comes under new IDs', async (_, answer) => {
  const { given, queries, heads } = await read([answer, batch('c', '[1,2]')], {
    resumeAfter: '2␟b,0',
    latest: ['3␟b,1'],
  })
  expect(queries).toEqual(['?offset=b', '?offset=-1'])
  expect(heads).toMatchObject([{ confirmsResumption: false, deniesResumption: true }])
  expect(given).toEqual(['4␟-1,1 1', '5␟c,0 2'])
})

test('what lies behind a later known place is read where the earlier one is gone', async () => {
  const { given, queries, heads } = await read([{ status: 410 }, batch('d', '[3,4]')], {
    resumeAfter: '1␟a,1',
    latest: ['2␟a,2', '3␟b,0', '4␟b,1'],
  })
  expect(queries).toEqual(['?offset=a', '?offset=b'])
  expect(heads).toMatchObject([{ confirmsResumption: false, deniesResumption: true }])
  expect(given).toEqual(['4␟b,1 3', '5␟d,0 4'])
})

test('another stream of which something is known already is gone on with', async () => {
  const { given, queries } = await read([batch('c', '[]'), batch('c', '[]'), batch('c', '[2]')], {
    resumeAfter: '4␟e,0',
    latest: ['5␟f,0', '6␟b,0'],
  })
  expect(queries).toEqual(['?offset=e', '?offset=f', '?offset=b'])
  expect(given).toEqual(['7␟c,0 2'])
})

test('what the hub may still hold has the same numbers on the next connection', async () => {
  const { given } = await read([batch('c', '[1,2]', MORE), { status: 503 }, batch('d', '[1,2,3]')], {
    resumeAfter: '2␟b,0',
    times: 2,
  })
  expect(given).toEqual(['3␟b,1 1', '4␟c,0 2', '3␟b,1 1', '4␟b,2 2', '5␟d,0 3'])
})

test.each([
  { latest: [], deniesResumption: true },
  { latest: ['2␟-1,2'], deniesResumption: false },
])('a beginning may have moved unless something known is to come: $latest', async ({ latest, ...head }) => {
  const { heads, given } = await read([batch('c', '[1,2,3]')], { resumeAfter: '1␟-1,1', latest })
  expect(heads).toMatchObject([{ ...head, confirmsResumption: !head.deniesResumption }])
  expect(given).toEqual(['2␟-1,2 2', '3␟c,0 3'])
})

test('a stream that has become shorter than the place to go on from begins anew on the next connection', async () => {
  const { given, queries, heads } = await read([batch('c', '[1,2]', MORE), batch('c', '[1,2]')], {
    resumeAfter: '3␟-1,3',
    latest: ['4␟-1,4'],
    times: 2,
  })
  expect(queries).toEqual(['?offset=-1', '?offset=-1'])
  expect(heads).toMatchObject([{ deniesResumption: false }, { deniesResumption: true }])
  expect(given).toEqual(['5␟-1,1 1', '6␟c,0 2'])
})

test('requests that have ended leave nothing at the signal of the connection', async () => {
  const { signal } = new AbortController()
  let listeners = 0
  const { addEventListener, removeEventListener } = signal
  Object.assign(signal, {
    addEventListener(...listener: Parameters<typeof addEventListener>) {
      listeners++
      addEventListener.apply(signal, listener)
    },
    removeEventListener(...listener: Parameters<typeof removeEventListener>) {
      listeners--
      removeEventListener.apply(signal, listener)
    },
  })
  const nothing = { status: 204, headers: { 'Stream-Next-Offset': 'b', ...MORE } }
  await read([batch('b', '[1]', MORE), nothing, nothing, nothing, batch('c', '[2]')], { signal })
  expect(listeners).toBe(0)
})

test.each([
  ['404', [{ status: 404 }], /status 404/, 404],
  ['410 for the beginning', [{ status: 410 }], /status 410/, 410],
  ['410 while it waits', [batch('b', '[1]', MORE), { status: 410 }], /another history/, 0],
  ['429', [{ status: 429 }], /status 429/, 429],
  ['503', [{ status: 503 }], /status 503/, 503],
  ['bytes', [{ ...batch('b', 'x'), type: 'application/octet-stream' }], /content type/, 200],
  ['no offset', [{ type: 'text/html', body: 'log in' }], /Stream-Next-Offset/, 0],
  ['no array', [batch('b', '{"a":1}')], /no array/, 0],
  ['half an array', [batch('b', '[1,2')], /does not end/, 0],
  ['an element that is none', [batch('b', '[1,,2]')], /not JSON/, 0],
] as const)('fails with %s', async (_, answers, message, status) => {
  const { failure } = await read(answers as readonly Given[])
  expect(failure.message).toMatch(message)
  expect(failure.status).toBe(status)
  expect(failure.isFinal).toBe(false)
})

test.each([
  ['a control event that says nothing', [['control', '{}']], /streamNextOffset/],
  [
    'data that is no array',
    [
      ['data', '1'],
      ['control', '{"streamNextOffset":"c"}'],
    ],
    /no array/,
  ],
] as const)('fails with %s', async (_, events, message) => {
  const { failure } = await read([batch('b', '[1]', MORE)], { live: 'sse', sse: [{ events: [...events] }] })
  expect(failure.message).toMatch(message)
})

test('a message that is too large ends the stream', async () => {
  const { failure } = await read([batch('b', '["0123456789"]')], { maxEventSize: 9 })
  expect(failure).toMatchObject({ isFinal: true })
})
