import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { SharedEventSource } from '../../../src/api/shared-event-source.ts'
import type { Entry, Policy, StateEntry, StreamRequest } from '../../../src/link/protocol.ts'
import type { Receive } from '../../../src/page/inbox.ts'
import { requestTo, stateEntry } from '../../sim/world/samples.ts'

/** What a page's client would know. */
class FakeSubscription {
  readonly wish: { request: StreamRequest; policy: Policy }
  readonly give: (entry: Entry) => ReturnType<Receive>
  names: string[] = []
  /** How often names were set. */
  changes = 0
  isClosed = false

  constructor(wish: FakeSubscription['wish'], give: Receive) {
    this.wish = wish
    this.give = (entry) => give(entry, 'log')
  }

  setNames(names: Iterable<string>): void {
    this.names = [...names]
    this.changes++
  }

  close(): void {
    this.isClosed = true
  }
}

const made: FakeSubscription[] = []

vi.mock('../../../src/api/page-client.ts', () => ({
  pageClient: () => ({
    key: '',
    subscribe: (wish: FakeSubscription['wish'], give: Receive) => {
      const subscription = new FakeSubscription(wish, give)
      made.push(subscription)
      return subscription
    },
  }),
}))

const URL_OF_EVENTS = 'https://dash.test/events'

beforeEach(() => {
  made.length = 0
})

afterEach(() => {
  vi.unstubAllGlobals()
})

const state = (name: StateEntry['state'], message = ''): Entry => ({
  ...stateEntry(name, {
    origin: name === 'open' ? 'https://dash.test' : '',
    error: message === '' ? undefined : { message, status: 0, contentType: '', body: '' },
  }),
  seq: 1,
})

const event = (name: string, data: string, id = ''): Entry => ({
  type: 'event',
  seq: 2,
  name,
  data,
  id,
  nth: 0,
  ordinal: 1,
})

function create(url: string | URL = URL_OF_EVENTS, init?: EventSourceInit) {
  const source = new SharedEventSource(url, init)
  return { source, subscription: made.at(-1) as FakeSubscription }
}

/** An open source that notes its events, with the state that it was in. */
function noting() {
  const { source, subscription } = create()
  const notes: string[] = []
  for (const type of ['open', 'error']) {
    source.addEventListener(type, () => notes.push(`${type} ${source.readyState}`))
  }
  return { source, subscription, notes }
}

describe('the interface', () => {
  const CONSTANTS = [
    ['CONNECTING', 0],
    ['OPEN', 1],
    ['CLOSED', 2],
  ] as const

  test.each(CONSTANTS)(
    'has %s as %i on constructor and prototype, enumerable and read-only',
    (name, value) => {
      const constant = { value, enumerable: true, writable: false, configurable: false }
      expect(Object.getOwnPropertyDescriptor(SharedEventSource, name)).toEqual(constant)
      expect(Object.getOwnPropertyDescriptor(SharedEventSource.prototype, name)).toEqual(constant)
      expect(create().source[name]).toBe(value)
    },
  )

  test.each(CONSTANTS)('does not let %s be assigned', (name) => {
    const { source } = create()
    expect(() => Object.assign(source, { [name]: 7 })).toThrow(TypeError)
    expect(Object.hasOwn(source, name)).toBe(false)
  })

  test.each(['url', 'withCredentials', 'readyState'])(
    'has %s as an enumerable accessor, read-only',
    (name) => {
      const descriptor = Object.getOwnPropertyDescriptor(SharedEventSource.prototype, name)
      expect(descriptor).toMatchObject({ enumerable: true, get: expect.any(Function), set: undefined })
    },
  )

  test.each(['onopen', 'onmessage', 'onerror'])('has %s as an enumerable accessor', (name) => {
    const descriptor = Object.getOwnPropertyDescriptor(SharedEventSource.prototype, name)
    expect(descriptor).toMatchObject({
      enumerable: true,
      get: expect.any(Function),
      set: expect.any(Function),
    })
  })

  test('has an enumerable close', () => {
    expect(Object.getOwnPropertyDescriptor(SharedEventSource.prototype, 'close')).toMatchObject({
      enumerable: true,
    })
  })

  test('has no enumerable properties of its own on an instance', () => {
    expect(Object.keys(create().source)).toEqual([])
  })

  test('takes one argument at least, and is an EventTarget', () => {
    expect(SharedEventSource).toHaveLength(1)
    expect(create().source).toBeInstanceOf(EventTarget)
  })
})

describe('the constructor', () => {
  test('gives a source that connects, without credentials', () => {
    const { source, subscription } = create()
    expect(source).toMatchObject({ url: URL_OF_EVENTS, withCredentials: false, readyState: 0 })
    expect(subscription.wish).toEqual({
      request: requestTo(URL_OF_EVENTS),
      policy: {},
    })
  })

  test('includes credentials where it is asked to', () => {
    const { source, subscription } = create(URL_OF_EVENTS, { withCredentials: true })
    expect(source.withCredentials).toBe(true)
    expect(subscription.wish.request.credentials).toBe('include')
  })

  test('takes null for no options, as every dictionary', () => {
    const { source } = create(URL_OF_EVENTS, null as unknown as EventSourceInit)
    expect(source.withCredentials).toBe(false)
  })

  test('takes a URL object', () => {
    expect(create(new URL(URL_OF_EVENTS)).source.url).toBe(URL_OF_EVENTS)
  })

  test('normalises the URL', () => {
    expect(create('HTTPS://Dash.test:443/a/../events?x=ü').source.url).toBe(
      'https://dash.test/events?x=%C3%BC',
    )
  })

  test('shows the fragment and does not ask for it', () => {
    const { source, subscription } = create(`${URL_OF_EVENTS}#top`)
    expect(source.url).toBe(`${URL_OF_EVENTS}#top`)
    expect(subscription.wish.request.url).toBe(URL_OF_EVENTS)
  })

  test('resolves against the base URL of the document', () => {
    vi.stubGlobal('location', { href: 'https://dash.test/page' })
    vi.stubGlobal('document', { baseURI: 'https://cdn.test/app/' })
    expect(create('events').source.url).toBe('https://cdn.test/app/events')
  })

  test('resolves against the location in a worker, which has no document', () => {
    vi.stubGlobal('location', { href: 'https://dash.test/app/worker.js' })
    expect(create('events').source.url).toBe('https://dash.test/app/events')
  })

  test('resolves somehow on a server, where nothing is connected to', () => {
    expect(create('/events').source.url).toBe('http://localhost/events')
  })

  test('tells the console once that it sends no headers, as others do', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const withHeaders = { headers: { Authorization: 'Bearer secret' } } as EventSourceInit
    for (const init of [{}, { withCredentials: true }, withHeaders, withHeaders]) {
      new SharedEventSource(URL_OF_EVENTS, init)
    }
    expect(warn.mock.calls).toEqual([[expect.stringMatching(/no headers.*connect\(url, \{ headers \}\)/)]])
    warn.mockRestore()
  })

  test.each(['https://', 'http://dash.test:99999/'])('throws a SyntaxError for "%s"', (url) => {
    expect(() => create(url)).toThrow(DOMException)
    expect(() => create(url)).toThrow(expect.objectContaining({ name: 'SyntaxError', code: 12 }))
    expect(made).toEqual([])
  })
})

describe('the state', () => {
  test('opens, with an event', () => {
    const { subscription, notes } = noting()
    subscription.give(state('connecting'))
    expect(notes).toEqual([])
    subscription.give(state('open'))
    expect(notes).toEqual(['open 1'])
  })

  test('that is told twice gives one event', () => {
    const { subscription, notes } = noting()
    subscription.give(state('open'))
    subscription.give(state('open'))
    expect(notes).toEqual(['open 1'])
  })

  test('reconnects with an error, and opens again', () => {
    const { subscription, notes } = noting()
    subscription.give(state('open'))
    subscription.give(state('connecting', 'network error'))
    subscription.give(state('open'))
    expect(notes).toEqual(['open 1', 'error 0', 'open 1'])
  })

  test('that is told anew, by a hub at which the stream is not open any more, gives an error', () => {
    const { subscription, notes } = noting()
    subscription.give(state('open'))
    subscription.give(state('connecting'))
    subscription.give(state('connecting'))
    expect(notes).toEqual(['open 1', 'error 0'])
  })

  test('gives an error for each failed attempt', () => {
    const { subscription, notes } = noting()
    subscription.give(state('connecting', 'network error'))
    subscription.give(state('connecting', 'network error'))
    expect(notes).toEqual(['error 0', 'error 0'])
  })

  test('fails for good with an error, and ends the subscription', () => {
    const { source, subscription, notes } = noting()
    subscription.give(state('closed', 'status 404'))
    expect(notes).toEqual(['error 2'])
    expect(source.readyState).toBe(2)
    expect(subscription.isClosed).toBe(true)
  })

  test('stays closed', () => {
    const { source, subscription, notes } = noting()
    source.addEventListener('a', () => notes.push('a'))
    source.close()
    expect(source.readyState).toBe(2)
    expect(subscription.isClosed).toBe(true)
    for (const entry of [state('open'), event('a', 'x'), state('connecting', 'error')])
      subscription.give(entry)
    expect(notes).toEqual([])
    expect(source.readyState).toBe(2)
  })
})

describe('an event', () => {
  test('is a MessageEvent with data, ID and the origin of the response', () => {
    const { source, subscription } = create()
    const listener = vi.fn()
    source.addEventListener('cpu', listener)
    subscription.give(state('open'))
    subscription.give(event('cpu', '0.5', 'id-7'))
    const [received] = listener.mock.calls[0] as [MessageEvent]
    expect(received).toBeInstanceOf(MessageEvent)
    expect(received).toMatchObject({
      type: 'cpu',
      data: '0.5',
      lastEventId: 'id-7',
      origin: 'https://dash.test',
    })
    expect(received).toMatchObject({ bubbles: false, cancelable: false, target: source })
  })

  test('goes to the listeners of its name only', () => {
    const { source, subscription } = create()
    const [cpu, message] = [vi.fn(), vi.fn()]
    source.addEventListener('cpu', cpu)
    source.onmessage = message
    subscription.give(event('cpu', 'x'))
    expect([cpu, message].map(({ mock }) => mock.calls.length)).toEqual([1, 0])
    subscription.give(event('message', 'x'))
    expect([cpu, message].map(({ mock }) => mock.calls.length)).toEqual([1, 1])
  })

  test('goes to listeners that are objects', () => {
    const { source, subscription } = create()
    const handleEvent = vi.fn()
    source.addEventListener('cpu', { handleEvent })
    subscription.give(event('cpu', 'x'))
    expect(handleEvent).toHaveBeenCalledOnce()
  })

  test('that says that others may be missing tells why and where', () => {
    const { source, subscription } = create()
    const listener = vi.fn()
    source.addEventListener('gap', listener)
    subscription.give({ type: 'gap', seq: 3, reason: 'slow-tab', before: 'id-1', after: 'id-9' })
    expect(listener.mock.calls[0]?.[0]).toMatchObject({
      type: 'gap',
      reason: 'slow-tab',
      before: 'id-1',
      after: 'id-9',
    })
  })
})

describe('the names subscribed to', () => {
  test('are those listened to', () => {
    const { source, subscription } = create()
    source.addEventListener('a', () => {})
    source.addEventListener('b', () => {})
    source.onmessage = () => {}
    expect(subscription.names).toEqual(['a', 'b', 'message'])
  })

  test('do not change by a second listener of a name', () => {
    const { source, subscription } = create()
    source.addEventListener('a', () => {})
    source.addEventListener('a', () => {})
    expect(subscription.changes).toBe(1)
  })

  test('do not change by a listener that is null', () => {
    const { source, subscription } = create()
    source.addEventListener('a', null)
    expect(subscription.changes).toBe(0)
  })

  test('lose a name with its last listener', () => {
    const { source, subscription } = create()
    const [one, other] = [() => {}, () => {}]
    source.addEventListener('a', one)
    source.addEventListener('a', other)
    source.removeEventListener('a', one)
    expect(subscription.names).toEqual(['a'])
    source.removeEventListener('a', other)
    expect(subscription.names).toEqual([])
  })

  test('count a listener added twice once', () => {
    const { source, subscription } = create()
    const listener = () => {}
    source.addEventListener('a', listener)
    source.addEventListener('a', listener, { once: false })
    source.removeEventListener('a', listener)
    expect(subscription.names).toEqual([])
  })

  test('count a listener for capture apart', () => {
    const { source, subscription } = create()
    const listener = () => {}
    source.addEventListener('a', listener)
    source.addEventListener('a', listener, true)
    source.removeEventListener('a', listener)
    expect(subscription.names).toEqual(['a'])
    source.removeEventListener('a', listener, { capture: true })
    expect(subscription.names).toEqual([])
  })

  test('lose the name of a listener that was to be called once', () => {
    const { source, subscription } = create()
    const listener = vi.fn()
    source.addEventListener('a', listener, { once: true })
    subscription.give(event('a', 'x'))
    expect(subscription.names).toEqual([])
    subscription.give(event('a', 'y'))
    expect(listener).toHaveBeenCalledOnce()
  })

  test('keep the name of a listener for one call that adds itself again', () => {
    const { source, subscription } = create()
    const heard: string[] = []
    const listener = ({ data }: MessageEvent) => {
      heard.push(data)
      source.addEventListener('a', listener, { once: true })
    }
    source.addEventListener('a', listener, { once: true })
    subscription.give(event('a', 'x'))
    expect(subscription.names).toEqual(['a'])
    subscription.give(event('a', 'y'))
    expect(heard).toEqual(['x', 'y'])
  })

  test('keep the name of a listener for one call that was not called', () => {
    const { source, subscription } = create()
    const listener = vi.fn()
    source.addEventListener('a', (received) => received.stopImmediatePropagation(), { once: true })
    source.addEventListener('a', listener, { once: true })
    subscription.give(event('a', 'x'))
    expect(subscription.names).toEqual(['a'])
    subscription.give(event('a', 'y'))
    expect(listener).toHaveBeenCalledOnce()
  })

  test('lose the name of a listener that is aborted', () => {
    const { source, subscription } = create()
    const abort = new AbortController()
    source.addEventListener('a', () => {}, { signal: abort.signal })
    expect(subscription.names).toEqual(['a'])
    abort.abort()
    expect(subscription.names).toEqual([])
  })

  test('leave nothing at a signal that outlives them or their source', async () => {
    const { signal } = new AbortController()
    const { source } = create()
    const listener = () => {}
    for (const name of ['a', 'b', 'b', 'c']) source.addEventListener(name, listener, { signal })
    source.removeEventListener('a', listener)
    expect(getEventListeners(signal, 'abort')).toHaveLength(2)
    source.close()
    await Promise.resolve()
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test.each(['a', 'error'])(
    'can be taken away while %s is dispatched, though the source is closed',
    (name) => {
      const { source, subscription } = create()
      const abort = new AbortController()
      const calls: string[] = []
      source.addEventListener(name, () => {
        source.close()
        abort.abort()
      })
      source.addEventListener(name, () => calls.push(name), { signal: abort.signal })
      subscription.give(name === 'a' ? event('a', '1') : state('closed', 'refused'))
      expect(calls).toEqual([])
    },
  )

  test('are refused with what the platform refuses, and nothing is left of them', () => {
    const { source, subscription } = create()
    const wrong = Symbol('a') as unknown as string
    expect(() => source.addEventListener(wrong, () => {})).toThrow(TypeError)
    expect(() => source.addEventListener('a', () => {}, { signal: 5 as unknown as AbortSignal })).toThrow(
      TypeError,
    )
    expect(subscription.names).toEqual([])
  })

  // [spec] Adding a listener that is there already changes nothing; the signal belongs to the one that was not added.
  // https://dom.spec.whatwg.org/#add-an-event-listener
  test('keep the name of a listener that was added a second time, in vain, with a signal that is aborted', () => {
    const { source, subscription } = create()
    const abort = new AbortController()
    const listener = () => {}
    source.addEventListener('a', listener)
    source.addEventListener('a', listener, { signal: abort.signal })
    abort.abort()
    expect(subscription.names).toEqual(['a'])
  })

  // [spec] The signal removes what was added with it, which has gone already.
  // https://dom.spec.whatwg.org/#add-an-event-listener
  test('keep the name of a listener that was removed and added again without the signal that is aborted', () => {
    const { source, subscription } = create()
    const abort = new AbortController()
    const listener = () => {}
    source.addEventListener('a', listener, { signal: abort.signal })
    source.removeEventListener('a', listener)
    source.addEventListener('a', listener)
    abort.abort()
    expect(subscription.names).toEqual(['a'])
  })

  test('lose the name of a listener for one call that is removed', () => {
    const { source, subscription } = create()
    const listener = vi.fn()
    source.addEventListener('a', listener, { once: true })
    source.removeEventListener('a', listener)
    expect(subscription.names).toEqual([])
    source.dispatchEvent(new MessageEvent('a'))
    expect(listener).not.toHaveBeenCalled()
  })

  test('lose the name of a listener for one call that is an object, called as its own', () => {
    const { source, subscription } = create()
    const selves: unknown[] = []
    const listener = {
      handleEvent() {
        selves.push(this)
      },
    }
    source.addEventListener('a', listener, { once: true })
    subscription.give(event('a', 'x'))
    subscription.give(event('a', 'y'))
    expect(selves).toEqual([listener])
    expect(subscription.names).toEqual([])
  })

  test('lose the name of a listener for one call that is aborted', () => {
    const { source, subscription } = create()
    const [abort, listener] = [new AbortController(), vi.fn()]
    source.addEventListener('a', listener, { once: true, signal: abort.signal })
    abort.abort()
    expect(subscription.names).toEqual([])
    source.dispatchEvent(new MessageEvent('a'))
    expect(listener).not.toHaveBeenCalled()
  })

  test('do not change by a listener that is aborted already', () => {
    const { source, subscription } = create()
    source.addEventListener('a', () => {}, { signal: AbortSignal.abort() })
    expect(subscription.changes).toBe(0)
  })

  test('lose message with its handler', () => {
    const { source, subscription } = create()
    source.onmessage = () => {}
    source.onmessage = null
    expect(subscription.names).toEqual([])
  })
})

describe('an event handler attribute', () => {
  test('is null until it is set, and tells what it was set to', () => {
    const { source } = create()
    const handler = () => {}
    for (const name of ['onopen', 'onmessage', 'onerror'] as const) {
      expect(source[name]).toBeNull()
      source[name] = handler
      expect(source[name]).toBe(handler)
      source[name] = null
      expect(source[name]).toBeNull()
    }
  })

  test('takes what is no function for null', () => {
    const { source } = create()
    source.onmessage = () => {}
    source.onmessage = 'function' as unknown as null
    expect(source.onmessage).toBeNull()
  })

  test('is called with the source as this', () => {
    const { source, subscription } = create()
    let self: unknown
    source.onopen = function () {
      self = this
    }
    subscription.give(state('open'))
    expect(self).toBe(source)
  })

  test('is called in its place among the listeners', () => {
    const { source, subscription } = create()
    const calls: string[] = []
    source.addEventListener('message', () => calls.push('first'))
    source.onmessage = () => calls.push('handler')
    source.addEventListener('message', () => calls.push('last'))
    subscription.give(event('message', 'x'))
    expect(calls).toEqual(['first', 'handler', 'last'])
  })

  test('keeps its place when another is set', () => {
    const { source, subscription } = create()
    const calls: string[] = []
    source.onmessage = () => calls.push('former')
    source.addEventListener('message', () => calls.push('listener'))
    source.onmessage = () => calls.push('handler')
    subscription.give(event('message', 'x'))
    expect(calls).toEqual(['handler', 'listener'])
  })

  test('loses its place when it is set to null', () => {
    const { source, subscription } = create()
    const calls: string[] = []
    source.onmessage = () => calls.push('former')
    source.addEventListener('message', () => calls.push('listener'))
    source.onmessage = null
    source.onmessage = () => calls.push('handler')
    subscription.give(event('message', 'x'))
    expect(calls).toEqual(['listener', 'handler'])
  })

  test('is not the listener that it is also added as', () => {
    const { source, subscription } = create()
    const handler = vi.fn()
    source.onmessage = handler
    source.addEventListener('message', handler)
    subscription.give(event('message', 'x'))
    expect(handler).toHaveBeenCalledTimes(2)
  })
})
