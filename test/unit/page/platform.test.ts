import { afterEach, describe, expect, test, vi } from 'vitest'
import { browserPlatform } from '../../../src/page/platform.ts'
import { hubPlatform } from '../../../worker/platform.ts'

/** As the browser's, with these entries. */
const timelineOf = (entries: readonly object[] | undefined) => ({
  now: () => 0,
  timeOrigin: 0,
  ...(entries && {
    getEntriesByType: (type: string) =>
      entries.filter((entry) => (entry as { entryType: string }).entryType === type),
  }),
})

const navigation = (nextHopProtocol: string) => ({ entryType: 'navigation', nextHopProtocol })
const resource = (name: string, nextHopProtocol: string) => ({ entryType: 'resource', name, nextHopProtocol })

afterEach(() => {
  vi.unstubAllGlobals()
})

describe('the protocol of a page', () => {
  test.each([
    ['as its navigation tells', [navigation('h2')], 'h2'],
    ['unknown, where that tells nothing', [navigation('')], undefined],
    ['unknown, where there was none, as in a worker', [], undefined],
    ['unknown, where nothing is recorded, as in jsdom', undefined, undefined],
  ])('is %s', (_what, entries, protocol) => {
    vi.stubGlobal('performance', timelineOf(entries))
    expect(browserPlatform().protocol()).toBe(protocol)
  })
})

describe('the protocol of an origin', () => {
  test.each([
    [
      'as its latest response tells',
      [resource('https://a.test/1', 'http/1.1'), resource('https://a.test/2', 'h2')],
      'h2',
    ],
    ['unknown, where its responses tell nothing', [resource('https://a.test/1', '')], ''],
    ['not that of another origin', [resource('https://a.test.example/1', 'h2')], ''],
    ['unknown, where nothing is recorded, as in jsdom', undefined, ''],
  ])('is %s', (_what, entries, protocol) => {
    vi.stubGlobal('performance', timelineOf(entries))
    expect(hubPlatform().protocolOf('https://a.test')).toBe(protocol)
  })
})
