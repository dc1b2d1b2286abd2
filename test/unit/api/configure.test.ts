import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Options } from '../../../src/api/configure.ts'

/** The module keeps what was configured: each test has its own. */
let module: typeof import('../../../src/api/configure.ts')

beforeEach(async () => {
  vi.resetModules()
  module = await import('../../../src/api/configure.ts')
})

const misuse = (message: string) =>
  expect.objectContaining({
    name: 'TabstreamError',
    type: 'configuration',
    message: expect.stringContaining(message),
  })

const trusted = { [Symbol.toStringTag]: 'TrustedScriptURL', toJSON: () => '/worker.js' }

describe('configure', () => {
  test('sets options', () => {
    const options: Options = { worker: '/assets/worker.js', host: 'shared-worker', namespace: 'admin' }
    module.configure(options)
    expect(module.takeOptions()).toEqual(options)
  })

  test('need not be called', () => {
    expect(module.takeOptions()).toEqual({})
  })

  test('takes nothing in particular', () => {
    module.configure({})
    expect(module.takeOptions()).toEqual({})
  })

  test('is not affected by what becomes of its argument', () => {
    const options: Options = { namespace: 'admin' }
    module.configure(options)
    options.namespace = 'other'
    expect(module.takeOptions()).toEqual({ namespace: 'admin' })
  })

  test.each<[string, Options]>([
    ['a worker as URL object', { worker: new URL('https://dash.test/worker.js') }],
    ['a worker as Trusted Types give it', { worker: trusted }],
    ['a worker as relative URL', { worker: 'worker.js' }],
    ['any host', { host: 'auto' }],
    ['the host shared-worker', { host: 'shared-worker' }],
    ['the host direct', { host: 'direct' }],
    ['an empty namespace', { namespace: '' }],
    ['a worker that lives on', { keepAlive: true }],
    ['streams that are public', { keepAlive: 'public' }],
    ['that it may disturb its hub', { inspector: true }],
  ])('takes %s', (_what, options) => {
    module.configure(options)
    expect(module.takeOptions()).toEqual(options)
  })
})

describe('configure complains', () => {
  test.each([undefined, null, 'direct', 7])('of %s in place of options', (options) => {
    expect(() => module.configure(options as unknown as Options)).toThrow(
      misuse('configure() takes an object'),
    )
  })

  test('of an option that it does not know, and names those it does', () => {
    const options = { workerUrl: '/worker.js' } as Options
    expect(() => module.configure(options)).toThrow(
      misuse('knows no option "workerUrl"; it takes worker, host'),
    )
  })

  test.each([
    ['https://', '"https://"'],
    [7, 'number 7'],
    [null, 'object'],
    [{ toJSON: () => '/worker.js' }, 'object'],
  ])('of the worker %s', (worker, words) => {
    const message = `worker must be the URL of tabstream's worker script, not ${words}`
    expect(() => module.configure({ worker } as Options)).toThrow(misuse(message))
  })

  test.each([
    ['sharedworker', '"sharedworker"'],
    ['', '""'],
    [true, 'boolean'],
  ])('of the host %s', (host, words) => {
    const message = `host must be "auto", "shared-worker", "leader" or "direct", not ${words}`
    expect(() => module.configure({ host } as Options)).toThrow(misuse(message))
  })

  test.each([
    [7, 'number 7'],
    [{}, 'object'],
  ])('of the namespace %s', (namespace, words) => {
    const message = `namespace must be a string, not ${words}`
    expect(() => module.configure({ namespace } as unknown as Options)).toThrow(misuse(message))
  })

  test('of an inspector that is neither true nor false', () => {
    expect(() => module.configure({ inspector: 'yes' } as unknown as Options)).toThrow(
      misuse('inspector must be true or false, not "yes"'),
    )
  })

  test.each<[Options, Options]>([
    [{ namespace: 'admin' }, { namespace: 'admin', host: 'auto' }],
    [{}, { keepAlive: false }],
    [{ inspector: false }, {}],
    [{ worker: '/worker.js' }, { worker: '/worker.js' }],
    [{ worker: new URL('https://dash.test/worker.js') }, { worker: 'https://dash.test/worker.js' }],
  ])('not of a second call with the same options: %j, %j', (one, other) => {
    module.configure(one)
    module.configure(other)
    expect(module.takeOptions()).toEqual(one)
    module.configure(other)
    expect(() => module.configure({ ...other, keepAlive: true })).toThrow(misuse('different options'))
  })

  test('of a second call', () => {
    module.configure({ namespace: 'admin' })
    expect(() => module.configure({ namespace: 'other' })).toThrow(
      misuse('too late, or twice with different options; call it once'),
    )
    expect(module.takeOptions()).toEqual({ namespace: 'admin' })
  })

  test.each([
    ['a URL', ['http://[']],
    ['a replay', ['/events', { replay: -1 }]],
  ])('not of a call after connect() has refused %s', async (_what, given) => {
    vi.stubGlobal('location', { href: 'https://dash.test/' })
    const { configure, connect } = await import('../../../src/index.ts')
    expect(() => connect(...(given as ['/']))).toThrow()
    expect(() => configure({ namespace: 'admin' })).not.toThrow()
    vi.unstubAllGlobals()
  })

  test('of a call when the options are in use', () => {
    module.takeOptions()
    expect(() => module.configure({ namespace: 'admin' })).toThrow(misuse('before tabstream is used'))
    expect(module.takeOptions()).toEqual({})
  })

  test('and may be called again, correctly, after it has', () => {
    expect(() => module.configure({ host: 'nowhere' } as unknown as Options)).toThrow()
    module.configure({ host: 'direct' })
    expect(module.takeOptions()).toEqual({ host: 'direct' })
  })
})
