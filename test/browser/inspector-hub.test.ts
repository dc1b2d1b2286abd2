import { describe, expect, test } from 'vitest'
import type { mountInspector } from '../../src/inspector/index.ts'
import { record, type Tab } from './browser.ts'
import { ESSENTIAL, POLL, type Stage, useBrowser } from './stage.ts'

// The inspector with a real hub. inspector.test.ts has the panel itself.

declare global {
  var mountPanel: typeof mountInspector
}

const stage = useBrowser()

const PAGE = `<!doctype html><html lang="en"><head><title>An app</title><link rel="icon" href="data:,">
<script type="importmap">{ "imports": { "tabstream": "/tabstream/index.js" } }</script>
<script type="module">
globalThis.ready = Promise.all([import('tabstream'), import('/tabstream/inspector.js')]).then(([tabstream, panel]) => {
  globalThis.tabstream = tabstream
  globalThis.mountPanel = panel.mountInspector
  tabstream.configure({ host: new URLSearchParams(location.search).get('host'), inspector: true })
})
</script></head><body></body></html>`

/** Opens pages of an app that has the inspector. */
async function openPages({ server, open }: Stage, host: string, count: number): Promise<Tab[]> {
  server.answer('/app', (_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' })
    response.end(PAGE)
  })
  const tabs: Tab[] = []
  for (let index = 0; index < count; index++) tabs.push(await open(`/app?host=${host}`))
  return tabs
}

const mount = (tab: Tab) => tab.page.evaluate(() => void mountPanel({ open: true }))

const show = (tab: Tab, view: string) => tab.page.getByRole('tab', { name: view }).click()

const textOf = (tab: Tab) =>
  tab.page.locator('tabstream-inspector').evaluate(({ shadowRoot }) => shadowRoot?.textContent ?? '')

describe.each(['shared-worker', 'leader'])('the inspector, with a hub of host %s', (host) => {
  test('shows streams, tabs, events and connections as they are', ESSENTIAL, async () => {
    const set = await stage()
    const channel = set.server.channel('news')
    const [one, other] = (await openPages(set, host, 2)) as [Tab, Tab]
    const recordings = [
      await record(one, '/events/news?token=hunter2secret', ['price']),
      await record(other, '/events/news?token=hunter2secret', ['price']),
    ]
    for (const recording of recordings) await recording.waitForSignals('open')
    await one.page.bringToFront()
    await mount(one)
    await one.page
      .getByText(host === 'leader' ? 'leader' : 'shared-worker')
      .first()
      .waitFor()

    channel.send(
      { event: 'price', data: '{"symbol":"ABC","bid":41}', id: '1' },
      { event: 'price', data: '{"symbol":"ABC","bid":42}', id: '2' },
    )
    for (const recording of recordings) await recording.waitForEvents(2)
    await show(one, 'Streams')
    await one.page.getByRole('heading', { name: /GET .*\/events\/news/ }).waitFor()
    await expect.poll(() => textOf(one), POLL).toContain('2, this tab is one')

    await show(one, 'Tabs')
    await one.page
      .getByText(/this tab/i)
      .filter({ visible: true })
      .first()
      .waitFor()
    expect(await one.page.getByRole('tabpanel').getByText('price', { exact: false }).count()).toBeGreaterThan(
      1,
    )

    await show(one, 'Events')
    const lines = one.page.getByRole('listbox', { name: 'Events' }).getByRole('option')
    await expect
      .poll(() => lines.allInnerTexts(), POLL)
      .toEqual(expect.arrayContaining([expect.stringContaining('"bid":42')]))

    await show(one, 'Actions')
    await one.page.getByRole('button', { name: 'Cut the connection', disabled: false }).click()
    for (const recording of recordings) await recording.waitForSignals('open', 2)
    channel.send({ event: 'price', data: '{"symbol":"ABC","bid":43}', id: '3' })
    for (const recording of recordings) await recording.waitForEvents(3)
    await show(one, 'Connections')
    await expect.poll(() => textOf(one), POLL).toContain('a page has cut the connection')
    await expect.poll(() => textOf(one), POLL).toContain('joined')
    expect(await textOf(one)).not.toContain('hunter2secret')
  })

  test('ends the hub, and shows the next one', async () => {
    const set = await stage()
    const channel = set.server.channel('news')
    const [one, other] = (await openPages(set, host, 2)) as [Tab, Tab]
    const recordings = [
      await record(one, '/events/news', ['price']),
      await record(other, '/events/news', ['price']),
    ]
    for (const recording of recordings) await recording.waitForSignals('open')
    channel.send({ event: 'price', data: '1', id: '1' }, { event: 'price', data: '2', id: '2' })
    for (const recording of recordings) await recording.waitForEvents(2)
    await one.page.bringToFront()
    await mount(one)
    await show(one, 'Events')
    await one.page.getByRole('listbox', { name: 'Events' }).getByRole('option').first().waitFor()
    await show(one, 'Actions')
    const { hubId } = await one.page.evaluate(() => tabstream.inspect())
    await one.page.getByRole('button', { name: 'End the hub', disabled: false }).click()
    await expect
      .poll(() => one.page.evaluate(() => tabstream.inspect().then(({ hubId }) => hubId)), POLL)
      .not.toBe(hubId)
    channel.send({ event: 'price', data: '3', id: '3' })
    for (const recording of recordings) await recording.waitForEvents(3)
    await show(one, 'Events')
    const lines = one.page.getByRole('listbox', { name: 'Events' }).getByRole('option')
    await expect.poll(async () => (await lines.allInnerTexts()).join('\n'), POLL).toMatch(/price\s+3\s/)
    for (const recording of recordings) expect(await recording.data()).toEqual(['1', '2', '3'])
  })
})
