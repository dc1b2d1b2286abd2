import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, expectTypeOf, test } from 'vitest'
import {
  type ConnectionError,
  type ConnectOptions,
  configure,
  connect,
  type Gap,
  type GapEvent,
  type GapReason,
  type HeadersReason,
  type HostName,
  type HubReport,
  type Inspection,
  inspect,
  json,
  type LifeInspection,
  type Options,
  SharedEventSource,
  type SharedStream,
  type StandardSchema,
  type StreamEvent,
  type StreamStatus,
  TabstreamError,
  type TabstreamErrorType,
  text,
} from '../../../src/index.ts'

// What these tests say is checked by the compiler; nothing in the functions within them is ever run.

describe('a SharedEventSource', () => {
  test('is assignable to EventSource', () => {
    expectTypeOf<SharedEventSource>().toExtend<EventSource>()
    const draw = (source: EventSource) => source.url
    const use = (source: SharedEventSource) => draw(source)
    expectTypeOf(use).returns.toBeString()
  })

  test('has a constructor that is assignable to that of EventSource', () => {
    expectTypeOf<typeof SharedEventSource>().toExtend<typeof EventSource>()
  })

  test('has constants of their own types', () => {
    expectTypeOf<typeof SharedEventSource.CONNECTING>().toEqualTypeOf<0>()
    expectTypeOf<typeof SharedEventSource.OPEN>().toEqualTypeOf<1>()
    expectTypeOf<SharedEventSource['CLOSED']>().toEqualTypeOf<2>()
  })

  test('is made of a string or a URL', () => {
    expectTypeOf(SharedEventSource).toBeConstructibleWith('/events')
    expectTypeOf(SharedEventSource).toBeConstructibleWith(new URL('https://dash.test/'))
    expectTypeOf(SharedEventSource).toBeConstructibleWith('/events', { withCredentials: true })
  })

  test('cannot be made of anything else', () => {
    const wrong = () => [
      // @ts-expect-error: the URL is missing
      new SharedEventSource(),
      // @ts-expect-error: a number is no URL
      new SharedEventSource(7),
      // @ts-expect-error: a string is no boolean
      new SharedEventSource('/events', { withCredentials: 'include' }),
      // @ts-expect-error: no such option
      new SharedEventSource('/events', { headers: {} }),
    ]
    expectTypeOf(wrong).toBeFunction()
  })

  test('cannot be changed', () => {
    const wrong = (source: SharedEventSource) => {
      // @ts-expect-error: read-only
      source.url = '/other'
      // @ts-expect-error: read-only
      source.withCredentials = true
      // @ts-expect-error: read-only
      source.readyState = 2
      // @ts-expect-error: read-only
      source.OPEN = 1
      // @ts-expect-error: read-only
      SharedEventSource.OPEN = 1
    }
    expectTypeOf(wrong).toBeFunction()
  })
})

describe('a listener', () => {
  test('for a name of the server gets a MessageEvent', () => {
    const use = (source: SharedEventSource) =>
      source.addEventListener('cpu', (event) => {
        expectTypeOf(event).toEqualTypeOf<MessageEvent>()
      })
    expectTypeOf(use).toBeFunction()
  })

  test('for message gets a MessageEvent, for open and error an Event', () => {
    const use = (source: SharedEventSource) => {
      source.addEventListener('message', (event) => {
        expectTypeOf(event).toEqualTypeOf<MessageEvent>()
      })
      source.addEventListener('open', (event) => {
        expectTypeOf(event).toEqualTypeOf<Event>()
      })
      source.addEventListener('error', (event) => {
        expectTypeOf(event).toEqualTypeOf<Event>()
      })
    }
    expectTypeOf(use).toBeFunction()
  })

  test('for gap gets a GapEvent that tells why and where', () => {
    const use = (source: SharedEventSource) =>
      source.addEventListener('gap', (event) => {
        expectTypeOf(event).toEqualTypeOf<GapEvent>()
        expectTypeOf(event.reason).toEqualTypeOf<GapReason>()
        expectTypeOf(event.before).toBeString()
        expectTypeOf(event.after).toBeString()
      })
    expectTypeOf(use).toBeFunction()
  })

  test('may be an object, or null', () => {
    const use = (source: SharedEventSource) => {
      source.addEventListener('cpu', { handleEvent: (event) => expectTypeOf(event).toEqualTypeOf<Event>() })
      source.addEventListener('cpu', null)
    }
    expectTypeOf(use).toBeFunction()
  })

  test('is removed as it was added', () => {
    const use = (source: SharedEventSource, listener: (event: MessageEvent) => void) => {
      source.addEventListener('cpu', listener, { once: true })
      source.removeEventListener('cpu', listener, { capture: true })
      source.removeEventListener('gap', (event) => expectTypeOf(event).toEqualTypeOf<GapEvent>())
    }
    expectTypeOf(use).toBeFunction()
  })

  test('cannot be anything else, nor expect what it does not get', () => {
    const wrong = (source: SharedEventSource) => {
      // @ts-expect-error: a string is no listener
      source.addEventListener('cpu', 'listener')
      // @ts-expect-error: a number is no event
      source.addEventListener('cpu', (event: number) => event)
      // @ts-expect-error: a name of the server brings no gap
      source.addEventListener('cpu', (event) => event.reason)
      // @ts-expect-error: a gap has no data
      source.addEventListener('gap', (event) => event.data)
      // @ts-expect-error: the listener is missing
      source.addEventListener('cpu')
      // @ts-expect-error: a name is a string
      source.addEventListener(7, () => {})
    }
    expectTypeOf(wrong).toBeFunction()
  })
})

describe('an event handler attribute', () => {
  test('is a function or null', () => {
    const use = (source: SharedEventSource) => {
      source.onmessage = (event) => {
        expectTypeOf(event).toEqualTypeOf<MessageEvent>()
      }
      source.onerror = (event) => {
        expectTypeOf(event).toEqualTypeOf<Event>()
      }
      source.onopen = null
      // @ts-expect-error: a string is no handler
      source.onopen = 'handler'
      // @ts-expect-error: there is no such attribute
      source.ongap = () => {}
    }
    expectTypeOf(use).toBeFunction()
  })
})

describe('configure', () => {
  test('takes options, each of them optional', () => {
    expectTypeOf(configure).parameters.toEqualTypeOf<[Options]>()
    expectTypeOf(configure).returns.toBeVoid()
    expectTypeOf<Record<never, never>>().toExtend<Options>()
    expectTypeOf<HostName>().toExtend<Options['host']>()
    expectTypeOf<'auto'>().toExtend<Options['host']>()
  })

  test('takes nothing else', () => {
    const wrong = () => {
      // @ts-expect-error: no such host
      configure({ host: 'worker' })
      // @ts-expect-error: no such option
      configure({ workerUrl: '/worker.js' })
      // @ts-expect-error: a number is no namespace
      configure({ namespace: 7 })
      // @ts-expect-error: the options are missing
      configure()
    }
    expectTypeOf(wrong).toBeFunction()
  })
})

describe('inspect', () => {
  test('resolves to a report of the hub, and where it lives', () => {
    expectTypeOf(() => inspect()).returns.resolves.toEqualTypeOf<Inspection>()
    expectTypeOf(() => inspect({ seen: {}, entries: 1 })).returns.resolves.toEqualTypeOf<LifeInspection>()
    expectTypeOf<Inspection>().toExtend<HubReport>()
    expectTypeOf<Inspection['host']>().toEqualTypeOf<HostName>()
    expectTypeOf<Inspection['streams'][number]['names']>().toEqualTypeOf<string[]>()
  })
})

interface Cpu {
  readonly load: number
}

/** As libraries of schemas declare theirs. */
interface LibrarySchema<Input, Output> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: 'library'
    readonly validate: (
      value: unknown,
    ) => { value: Output; issues?: undefined } | Promise<{ issues: readonly { message: string }[] }>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

const alert = {} as LibrarySchema<string, { readonly level: 1 | 2 }>
const callable = {} as LibrarySchema<string, Date> & ((data: unknown) => Date | 'faults')

describe('connect() without events', () => {
  test('gives a stream of strings for any name', () => {
    const open = () => [connect('/events'), connect(new URL('https://dash.test/'), {})] as const
    expectTypeOf(open).returns.toEqualTypeOf<readonly [SharedStream, SharedStream]>()
    const use = (stream: SharedStream) => {
      stream.on('cpu', (event) => {
        expectTypeOf(event.data).toEqualTypeOf<string>()
        expectTypeOf(event.name).toEqualTypeOf<'cpu'>()
        expectTypeOf(event.id).toBeString()
        expectTypeOf(event.origin).toBeString()
      })
      stream.on('*', (event) => expectTypeOf(event.data).toEqualTypeOf<string>())
      expectTypeOf(stream.once('any name')).resolves.toHaveProperty('data').toEqualTypeOf<string>()
    }
    expectTypeOf(use).toBeFunction()
  })
})

describe('connect() with events', () => {
  const open = () =>
    connect('/events', {
      events: {
        cpu: json<Cpu>(),
        log: text,
        count: (data: string) => data.length,
        later: async (data: string) => data.length,
        alert,
        callable,
        own: {} as StandardSchema<bigint>,
        anything: json(),
      },
    })
  type Stream = ReturnType<typeof open>

  test('infers what listeners get', () => {
    const use = (stream: Stream) => {
      stream.on('cpu', (event) => expectTypeOf(event).toEqualTypeOf<StreamEvent<Cpu, 'cpu'>>())
      stream.on('log', ({ data }) => expectTypeOf(data).toEqualTypeOf<string>())
      stream.on('count', ({ data }) => expectTypeOf(data).toEqualTypeOf<number>())
      stream.on('later', ({ data }) => expectTypeOf(data).toEqualTypeOf<number>())
      stream.on('alert', ({ data }) => expectTypeOf(data).toEqualTypeOf<{ readonly level: 1 | 2 }>())
      stream.on('callable', ({ data }) => expectTypeOf(data).toEqualTypeOf<Date>())
      stream.on('own', ({ data }) => expectTypeOf(data).toEqualTypeOf<bigint>())
      stream.on('anything', ({ data }) => expectTypeOf(data).toEqualTypeOf<unknown>())
    }
    expectTypeOf(use).toBeFunction()
  })

  test('infers what once() and events() give', () => {
    const use = async (stream: Stream) => {
      expectTypeOf(stream.once('cpu')).resolves.toEqualTypeOf<StreamEvent<Cpu, 'cpu'>>()
      for await (const event of stream.events('alert')) {
        expectTypeOf(event).toEqualTypeOf<StreamEvent<{ readonly level: 1 | 2 }, 'alert'>>()
      }
      expectTypeOf(await stream.events('count').next()).toEqualTypeOf<
        IteratorResult<StreamEvent<number, 'count'>>
      >()
    }
    expectTypeOf(use).toBeFunction()
  })

  test('gives any of them, or a string, for *', () => {
    const use = async (stream: SharedStream<{ cpu: Cpu; count: number }>) => {
      stream.on('*', ({ name, data }) => {
        expectTypeOf(name).toBeString()
        expectTypeOf(data).toEqualTypeOf<Cpu | number | string>()
      })
      for await (const { data } of stream.events('*')) {
        expectTypeOf(data).toEqualTypeOf<Cpu | number | string>()
      }
    }
    expectTypeOf(use).toBeFunction()
  })

  test('takes no other name, and no listener for other data', () => {
    const wrong = async (stream: Stream) => {
      // @ts-expect-error: there is no such event
      stream.on('cqu', () => {})
      // @ts-expect-error: there is no such event
      stream.once('cqu')
      // @ts-expect-error: there is no such event
      stream.events('cqu')
      // @ts-expect-error: it brings a Cpu
      stream.on('cpu', (event: StreamEvent<string>) => event)
      // @ts-expect-error: there is no such property
      stream.on('cpu', ({ data }) => data.laod)
      // @ts-expect-error: it is a number
      stream.on('count', ({ data }) => data.length)
      // @ts-expect-error: levels are 1 and 2
      stream.on('alert', ({ data }) => data.level === 3)
      // @ts-expect-error: the listener is missing
      stream.on('cpu')
      // @ts-expect-error: an event cannot be changed
      stream.on('cpu', (event) => (event.name = 'cpu'))
      // @ts-expect-error: it may be a string
      stream.on('*', ({ data }) => data.load)
    }
    expectTypeOf(wrong).toBeFunction()
  })

  test('takes decoders only', () => {
    const wrong = () => [
      // @ts-expect-error: a string is no decoder
      connect('/events', { events: { cpu: 'json' } }),
      // @ts-expect-error: json is to be called
      connect('/events', { events: { cpu: json } }).on('cpu', ({ data }) => data.load),
      // @ts-expect-error: it is given a string
      connect('/events', { events: { cpu: (data: number) => data } }),
      // @ts-expect-error: that is no schema
      connect('/events', { events: { cpu: { parse: () => {} } } }),
    ]
    expectTypeOf(wrong).toBeFunction()
  })
})

describe('options of connect()', () => {
  test('are typed', () => {
    const use = () =>
      connect('/events', {
        method: 'POST',
        body: { model: 'm' },
        key: 'alice',
        credentials: 'include',
        replay: { cpu: 10 },
        since: '41',
        maxRetries: Infinity,
        resume: { method: 'GET', url: '/events' },
        signal: new AbortController().signal,
        headers: async (reason) => {
          expectTypeOf(reason).toEqualTypeOf<HeadersReason>()
          return [['Authorization', 'Bearer x']]
        },
        retry: (attempt, error) => {
          expectTypeOf(attempt).toBeNumber()
          expectTypeOf(error).toEqualTypeOf<ConnectionError>()
          return error.status === 404 ? false : attempt * 1_000
        },
        until: (event) => {
          expectTypeOf(event).toEqualTypeOf<StreamEvent>()
          return event.data === '[DONE]'
        },
      })
    expectTypeOf(use).toBeFunction()
    const useFunction = () => {
      const stream = connect(
        async (reason) => {
          expectTypeOf(reason).toEqualTypeOf<HeadersReason>()
          return new URL('https://dash.test/')
        },
        { key: 'alice', events: { cpu: json<Cpu>() } },
      )
      stream.on('cpu', ({ data }) => expectTypeOf(data).toEqualTypeOf<Cpu>())
      connect(() => '/events', { key: 'alice' }).on('any', ({ data }) => expectTypeOf(data).toBeString())
    }
    expectTypeOf(useFunction).toBeFunction()
    expectTypeOf<ConnectOptions['idleTimeout']>().toEqualTypeOf<number | undefined>()
  })

  test('are none other', () => {
    const wrong = () => [
      // @ts-expect-error: no such option
      connect('/events', { header: {} }),
      // @ts-expect-error: no such credentials mode
      connect('/events', { credentials: 'always' }),
      // @ts-expect-error: a number is no function
      connect('/events', { retry: 1_000 }),
      // @ts-expect-error: a string is no time
      connect('/events', { idleTimeout: '5s' }),
      // @ts-expect-error: there is no such reason
      connect('/events', { headers: (reason) => (reason === 'refused' ? {} : {}) }),
      // @ts-expect-error: there is no such way to resume
      connect('/events', { resume: 'never' }),
      // @ts-expect-error: headers are those of the stream
      connect('/events', { resume: { headers: {} } }),
      // @ts-expect-error: the URL is missing
      connect(),
      // @ts-expect-error: a function for the URL needs a key
      connect(() => '/events'),
      // @ts-expect-error: a function for the URL needs a key
      connect(() => '/events', { method: 'POST' }),
      // @ts-expect-error: a number is no URL
      connect(() => 7, { key: 'alice' }),
    ]
    expectTypeOf(wrong).toBeFunction()
  })
})

describe('a SharedStream', () => {
  test('tells its status, gaps and faults', () => {
    const use = (stream: SharedStream) => {
      expectTypeOf(stream.status).toEqualTypeOf<StreamStatus>()
      expectTypeOf(stream.status.state).toEqualTypeOf<
        'connecting' | 'open' | 'retrying' | 'parked' | 'closed'
      >()
      expectTypeOf(stream.status.retryAt).toEqualTypeOf<Date | undefined>()
      expectTypeOf(stream.status.error).toEqualTypeOf<ConnectionError | undefined>()
      expectTypeOf(stream.status.host).toEqualTypeOf<HostName | undefined>()
      stream.onStatus((status) => expectTypeOf(status).toEqualTypeOf<StreamStatus>())
      stream.onGap((gap) => expectTypeOf(gap).toEqualTypeOf<Gap>())
      stream.onError((error, event) => {
        expectTypeOf(error).toEqualTypeOf<Error>()
        expectTypeOf(event).toEqualTypeOf<StreamEvent>()
      })
      // @ts-expect-error: read-only
      stream.status = { state: 'open' }
      // @ts-expect-error: read-only
      stream.status.state = 'open'
    }
    expectTypeOf(use).toBeFunction()
  })

  test('ends listening by what it returned, or by a signal', () => {
    const use = (stream: SharedStream, signal: AbortSignal | undefined) => {
      expectTypeOf(stream.on('a', () => {})).toEqualTypeOf<() => void>()
      expectTypeOf(stream.onGap(() => {}, { signal })).toEqualTypeOf<() => void>()
      stream.events('a', { signal })
      // @ts-expect-error: no such option
      stream.on('a', () => {}, { once: true })
    }
    expectTypeOf(use).toBeFunction()
  })

  test('is disposable', () => {
    expectTypeOf<SharedStream>().toExtend<Disposable>()
  })
})

describe('a TabstreamError', () => {
  test('is an Error with a type to tell apart', () => {
    expectTypeOf<TabstreamError>().toExtend<Error>()
    expectTypeOf<TabstreamError['type']>().toEqualTypeOf<TabstreamErrorType>()
    const use = (error: unknown) => error instanceof TabstreamError && error.type === 'no-host'
    expectTypeOf(use).returns.toBeBoolean()
    // @ts-expect-error: there is no such type
    const wrong = (error: TabstreamError) => error.type === 'other'
    expectTypeOf(wrong).toBeFunction()
  })
})

test('the compiler agrees with all of this', { timeout: 60_000 }, () => {
  const root = join(import.meta.dirname, '../../..')
  const folder = mkdtempSync(join(tmpdir(), 'tabstream-types-'))
  try {
    const project = {
      extends: join(root, 'test/tsconfig.json'),
      compilerOptions: { rootDir: root, typeRoots: [join(root, 'node_modules/@types')] },
      include: [],
      files: [import.meta.filename],
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(project))
    const compiler = join(root, 'node_modules/typescript/bin/tsc')
    const { stdout } = spawnSync(process.execPath, [compiler, '--project', folder, '--pretty', 'false'], {
      encoding: 'utf8',
    })
    expect(stdout).toBe('')
  } finally {
    rmSync(folder, { recursive: true })
  }
})
