import { describe, expect, test } from 'vitest'
import { record, type Tab } from './browser.ts'
import { ESSENTIAL, useBrowser } from './stage.ts'

const stage = useBrowser()

const configure = (tab: Tab, options: unknown) =>
  tab.page.evaluate((options) => {
    try {
      tabstream.configure(options as never)
      return 'accepted'
    } catch (error) {
      return error instanceof tabstream.TabstreamError
        ? `${error.type}: ${error.message}`
        : `strange: ${error}`
    }
  }, options)

describe('configure', ESSENTIAL, () => {
  test.each([
    [
      'an unknown host',
      { host: 'service-worker' },
      /"auto".*"shared-worker".*"leader".*"direct".*"service-worker"/,
    ],
    [
      'an unknown option',
      { wroker: '/worker.js' },
      /"wroker".*worker, host, namespace, keepAlive, connections/,
    ],
    ['a worker that is no URL', { worker: 'http://[nowhere]/' }, /worker.*URL.*nowhere/],
    ['a worker that is no text', { worker: 5 }, /worker.*URL.*number/],
    ['a namespace that is no string', { namespace: 5 }, /namespace.*string.*number/],
    ['no object', 'direct', /object/],
    ['null', null, /object/],
  ])('refuses %s, says what it would take, and stays usable', async (_name, options, message) => {
    const { server, open } = await stage()
    const tab = await open()
    const answer = await configure(tab, options)
    expect(answer).toMatch(/^configuration: tabstream: /)
    expect(answer).toMatch(message)
    expect(await configure(tab, { host: 'direct' })).toBe('accepted')
    const recording = await record(tab, '/events/news', ['message'])
    await recording.waitForSignals('open')
    server.channel('news').send({ data: 'x' })
    expect(await recording.waitForEvents(1)).toHaveLength(1)
  })

  test('takes the worker from a policy of Trusted Types, where the page requires them', async () => {
    const { open } = await stage()
    const csp = encodeURIComponent("require-trusted-types-for 'script'; trusted-types app")
    const tab = await open(`/page?csp=${csp}`)
    const host = await tab.page.evaluate(async () => {
      const { trustedTypes } = globalThis as unknown as {
        trustedTypes: { createPolicy(name: string, rules: object): { createScriptURL(url: string): URL } }
      }
      const policy = trustedTypes.createPolicy('app', { createScriptURL: (url: string) => url })
      tabstream.configure({ worker: policy.createScriptURL('/tabstream/worker.js') })
      return (await tabstream.inspect()).host
    })
    expect(host).toBe('shared-worker')
  })

  test('refuses to be called twice, after the first source, or after inspect', async () => {
    const { open } = await stage()
    const late = /^configuration: .*late.*before tabstream is used/

    const twice = await open()
    expect(await configure(twice, { namespace: 'a' })).toBe('accepted')
    expect(await configure(twice, { namespace: 'b' })).toMatch(late)
    expect(await configure(twice, { namespace: 'a' })).toBe('accepted')

    const afterSource = await open()
    await record(afterSource, '/events/news', ['message'])
    expect(await configure(afterSource, { namespace: 'a' })).toMatch(late)
    expect(await configure(afterSource, {})).toBe('accepted')

    const afterInspect = await open()
    await afterInspect.page.evaluate(() => tabstream.inspect())
    expect(await configure(afterInspect, { namespace: 'a' })).toMatch(late)
  })

  test('with host "shared-worker" takes nothing else: the source fails and inspect says why', async () => {
    const { server, context, open } = await stage()
    await context.addInitScript(() => {
      Reflect.deleteProperty(globalThis, 'SharedWorker')
    })
    const tab = await open()
    expect(await configure(tab, { host: 'shared-worker' })).toBe('accepted')
    const recording = await record(tab, '/events/news', ['message'])
    expect(await recording.waitForSignals('error')).toEqual([{ type: 'error', readyState: 2 }])
    const refusal = await tab.page.evaluate(() => tabstream.inspect().catch(String))
    expect(refusal).toMatch(/no SharedWorker/)
    expect(server.channel('news').requests).toEqual([])
  })

  test('with host "shared-worker" goes on trying while the script is missing', async () => {
    const { server, open } = await stage()
    const tab = await open()
    expect(await configure(tab, { host: 'shared-worker', worker: '/missing.js' })).toBe('accepted')
    const recording = await record(tab, '/events/news', ['message'])
    expect(await recording.waitForSignals('error')).toEqual([{ type: 'error', readyState: 0 }])
    const refusal = await tab.page.evaluate(() => tabstream.inspect().catch(String))
    expect(refusal).toMatch(/missing\.js/)
    expect(server.channel('news').requests).toEqual([])
  })

  test('with host "leader" takes nothing else either', async () => {
    const { server, context, open } = await stage()
    await context.addInitScript(() => {
      Reflect.deleteProperty(globalThis, 'BroadcastChannel')
    })
    const tab = await open('/page?host=leader')
    const recording = await record(tab, '/events/news', ['message'])
    expect(await recording.waitForSignals('error')).toEqual([{ type: 'error', readyState: 2 }])
    const refusal = await tab.page.evaluate(() => tabstream.inspect().catch(String))
    expect(refusal).toMatch(/BroadcastChannel/)
    expect(server.channel('news').requests).toEqual([])
  })
})
