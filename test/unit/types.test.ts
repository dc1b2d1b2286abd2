import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, expectTypeOf, test } from 'vitest'
import {
  configure,
  type GapEvent,
  type GapReason,
  type HostName,
  type HubReport,
  type Inspection,
  inspect,
  type Options,
  SharedEventSource,
  TabstreamError,
  type TabstreamErrorType,
} from '../../src/index.ts'

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
    expectTypeOf(inspect).returns.resolves.toEqualTypeOf<Inspection>()
    expectTypeOf<Inspection>().toExtend<HubReport>()
    expectTypeOf<Inspection['host']>().toEqualTypeOf<HostName>()
    expectTypeOf<Inspection['streams'][number]['names']>().toEqualTypeOf<string[]>()
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
  const root = join(import.meta.dirname, '../..')
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
