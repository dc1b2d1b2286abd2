import { describe, expect, test } from 'vitest'
import { openBlankTab, record, whenReady } from './browser.ts'
import { startServer } from './server.ts'
import { useBrowser } from './stage.ts'

const stage = useBrowser()

// The problem tabstream exists for. Should this fail one day, browsers have changed, and the tests of
// shared connections no longer prove anything.
describe('native EventSource on HTTP/1.1', () => {
  test.each([
    ['one URL', () => 'prices'],
    ['a URL each', (index: number) => `prices-${index}`],
  ])(
    'with %s stalls the navigation of the seventh tab until one of six streams is closed',
    async (_what, nameOf) => {
      const { server, context, openMany } = await stage()
      const elsewhere = await startServer()
      try {
        const tabs = await openMany(6, '/page?native')
        const recordings = await Promise.all(
          tabs.map((tab, index) =>
            record(tab, `/events/${nameOf(index)}`, ['message'], { kind: 'EventSource' }),
          ),
        )
        await Promise.all(recordings.map((recording) => recording.waitForSignals('open')))
        expect(server.crowd.now).toBe(6)

        const seventh = await openBlankTab(context)
        const asked = seventh.page.waitForEvent('request')
        const navigation = seventh.page.goto(server.url('/page?native&seventh'))
        await asked
        // Another origin has connections of its own: a request made later passes the stalled one by.
        const eighth = await openBlankTab(context)
        await eighth.page.goto(elsewhere.url('/page?native&eighth'))
        await whenReady(eighth)
        expect(server.journal).not.toContain('GET /page?native&seventh')

        await recordings[0]?.close()
        await navigation
        await whenReady(seventh)
        const closed = server.journal.indexOf(`closed /events/${nameOf(0)}`)
        const arrived = server.journal.indexOf('GET /page?native&seventh')
        expect(closed).toBeGreaterThan(-1)
        expect(arrived).toBeGreaterThan(closed)
      } finally {
        await elsewhere.close()
      }
    },
  )
})
