import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Locator, Page } from 'playwright'
import { beforeAll, describe, expect, test } from 'vitest'
import type { InspectorOptions, mountInspector } from '../../src/inspector/index.ts'
import { seriousIn } from './accessibility.ts'
import type { Tab } from './browser.ts'
import type { FakeHub, FakeStream, populate } from './fake-hub.ts'
import { ESSENTIAL, POLL, type Stage, useBrowser } from './stage.ts'

/** What the page of these tests has. */
interface Inspected {
  hub: FakeHub
  stream: FakeStream
  populate: typeof populate
  mountInspector: typeof mountInspector
  remove: () => void
  longTasks: number[]
  longestTask?: number
  hasRun?: boolean
}
declare global {
  var inspected: Inspected
}

const VIEWS = ['Overview', 'Streams', 'Tabs', 'Events', 'Connections', 'Actions'] as const

const PAGE = `<!doctype html><html lang="en"><head><title>An app</title><link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<script type="importmap">{ "imports": { "tabstream": "/tabstream/index.js" } }</script>
<script src="/inspected.js"></script></head><body><main><h1>An app</h1></main></body></html>`

const SCRIPT = `globalThis.ready = Promise.all([import('/fake-hub.js'), import('/tabstream/inspector.js')])
  .then(([fake, { mountInspector }]) => {
    globalThis.inspected = { hub: new fake.FakeHub(), populate: fake.populate, mountInspector }
  })`

const stage = useBrowser()
let fakeHub = ''

beforeAll(async () => {
  const entry = fileURLToPath(new URL('fake-hub.ts', import.meta.url))
  const { outputFiles } = await build({ entryPoints: [entry], bundle: true, write: false, format: 'esm' })
  fakeHub = outputFiles[0]?.text ?? ''
})

/** Serves a page with a strict policy for styles, which has the inspector and a hub that a test plays. */
function serve({ server }: Stage): void {
  const give = (path: string, type: string, body: string) =>
    server.answer(path, (_, response) => {
      response.writeHead(200, { 'content-type': type, 'content-security-policy': "style-src 'self'" })
      response.end(body)
    })
  give('/inspected', 'text/html', PAGE)
  give('/inspected.js', 'text/javascript', SCRIPT)
  give('/fake-hub.js', 'text/javascript', fakeHub)
}

/** A page with one stream and one tab, and the drawer open. */
async function inspect(options: Omit<InspectorOptions, 'hub' | 'container'> = { open: true }): Promise<Tab> {
  const set = await stage()
  serve(set)
  const tab = await set.open('/inspected')
  await mount(tab, options)
  return tab
}

const mount = (tab: Tab, options: object) =>
  tab.page.evaluate((options) => {
    const { hub, mountInspector } = inspected
    inspected.stream = hub.stream('/events')
    hub.subscribe(hub.tab(), inspected.stream)
    inspected.remove = mountInspector({ ...options, hub })
  }, options)

const show = (page: Page, view: (typeof VIEWS)[number]) => page.getByRole('tab', { name: view }).click()

const log = (page: Page) => page.getByRole('listbox', { name: 'Events' })

const lines = (page: Page) => log(page).getByRole('option')

const chosenLine = (page: Page) => log(page).getByRole('option', { selected: true })

/** Sends events with these data. */
const send = (page: Page, ...events: [name: string, data: string][]) =>
  page.evaluate((events) => {
    for (const [name, data] of events) inspected.stream.send(name, data, String(inspected.stream.lastSeq + 1))
  }, events)

const expectLines = (page: Page, pattern: RegExp[]) =>
  expect
    .poll(() => lines(page).allInnerTexts(), POLL)
    .toEqual(pattern.map((one) => expect.stringMatching(one)))

/** All text and all attributes of the panel, whether they are shown or not. */
const everything = (page: Page) =>
  page.locator('tabstream-inspector').evaluate(({ shadowRoot }) =>
    [...(shadowRoot?.querySelectorAll('*') ?? [])]
      .flatMap((one) => [...one.attributes].map(({ value }) => value).concat(one.textContent ?? ''))
      .concat(
        [...(shadowRoot?.querySelectorAll('input, select') ?? [])].map(
          (one) => (one as HTMLInputElement).value,
        ),
      )
      .join('\n'),
  )

async function exported(page: Page, format: 'JSONL' | 'SSE'): Promise<string> {
  const download = page.waitForEvent('download')
  await page.getByRole('button', { name: `Export ${format}` }).click()
  return readFile(await (await download).path(), 'utf8')
}

describe('the inspector asks the hub', ESSENTIAL, () => {
  const looks = (page: Page) => page.evaluate(() => inspected.hub.looks.length)
  const pretend = (page: Page, state: DocumentVisibilityState) =>
    page.evaluate((state) => {
      Object.defineProperty(document, 'visibilityState', { value: state, configurable: true })
      document.dispatchEvent(new Event('visibilitychange'))
    }, state)

  test('four times a second while it is open, and never while it is closed or hidden', async () => {
    const set = await stage()
    serve(set)
    await set.context.clock.install()
    const tab = await set.open('/inspected')
    const { page } = tab
    await mount(tab, {})
    await page.clock.runFor(5_000)
    expect(await looks(page)).toBe(0)

    await page.getByRole('button', { name: 'tabstream' }).click()
    await page.clock.runFor(10_000)
    const open = await looks(page)
    expect(open).toBeGreaterThanOrEqual(35)
    // Time goes on between the calls of a test.
    expect(open).toBeLessThanOrEqual(50)

    await pretend(page, 'hidden')
    const hidden = await looks(page)
    await page.clock.runFor(5_000)
    expect(await looks(page)).toBe(hidden)
    await pretend(page, 'visible')
    await page.clock.runFor(1_000)
    expect(await looks(page)).toBeGreaterThan(hidden)

    await page.getByRole('button', { name: 'Close the inspector' }).click()
    const closed = await looks(page)
    await page.clock.runFor(5_000)
    expect(await looks(page)).toBe(closed)
  })

  test('for what it has not been told', async () => {
    const { page } = await inspect()
    await send(page, ['a', 'x'], ['a', 'y'])
    await expect
      .poll(() => page.evaluate(() => inspected.hub.looks.at(-1)?.seen), POLL)
      .toEqual({ 'stream-0': 2 })
  })

  test('no more when it is removed, and says it where the hub does not answer', async () => {
    const { page } = await inspect()
    await page.evaluate(() => {
      inspected.hub.inspect = () => Promise.reject(new Error('no host for https://dash.test/?key=s3cret'))
    })
    const alert = page.getByRole('alert')
    await expect
      .poll(() => alert.first().innerText(), POLL)
      .toBe('The hub does not answer: no host for https://dash.test/?key=…')
    await page.evaluate(() => inspected.remove())
    expect(await page.locator('tabstream-inspector').count()).toBe(0)
  })
})

describe('the drawer', () => {
  test('works under a policy that allows no inline styles', async () => {
    const { page, console: said } = await inspect()
    await show(page, 'Events')
    await send(page, ['a', 'x'])
    await lines(page).first().waitFor()
    const style = await lines(page)
      .first()
      .evaluate((line) => {
        const { height, position } = getComputedStyle(line)
        return { height, position }
      })
    expect(style).toEqual({ height: '24px', position: 'absolute' })
    expect(said.filter(({ text }) => /Content.Security/i.test(text))).toEqual([])
  })

  test('is what it was after a reload', async () => {
    const tab = await inspect({})
    const { page } = tab
    await page.getByRole('button', { name: 'tabstream' }).click()
    const edge = page.getByRole('separator')
    await edge.press('ArrowUp')
    const height = await edge.getAttribute('aria-valuenow')
    await page.reload()
    await page.evaluate(() => globalThis.ready)
    await mount(tab, {})
    expect(await edge.getAttribute('aria-valuenow')).toBe(height)
    expect(await page.getByRole('tablist').isVisible()).toBe(true)
  })

  test('is moved at its edge, by pointer and by keys', async () => {
    const { page } = await inspect()
    const edge = page.getByRole('separator')
    const height = async () => Number(await edge.getAttribute('aria-valuenow'))
    const before = await height()
    await edge.press('ArrowUp')
    expect(await height()).toBe(before + 24)
    const box = await edge.boundingBox()
    if (box === null) throw new Error('no edge')
    await page.mouse.move(box.x + 100, box.y + 4)
    await page.mouse.down()
    await page.mouse.move(box.x + 100, box.y + 104)
    await page.mouse.up()
    expect(Math.abs((await height()) - (before + 24 - 100))).toBeLessThan(10)
  })
})

describe('the element by itself', () => {
  test('fills its container, and takes a theme', async () => {
    const set = await stage()
    serve(set)
    const { page } = await set.open('/inspected')
    await page.evaluate(() => {
      const element = document.createElement('tabstream-inspector')
      Object.assign(element, { hub: inspected.hub })
      element.setAttribute('theme', 'dark')
      document.querySelector('main')?.append(element)
    })
    await page.getByText('Nothing to advise').waitFor()
    expect(await page.getByRole('button', { name: 'Close the inspector' }).count()).toBe(0)
    const { backgroundColor } = await page
      .getByRole('region', { name: 'tabstream inspector' })
      .evaluate((panel) => ({ backgroundColor: getComputedStyle(panel).backgroundColor }))
    expect(backgroundColor).toBe('rgb(13, 17, 23)')
  })
})

describe('keys', () => {
  test('open the drawer, move among tabs and lines, and close it again', async () => {
    const { page } = await inspect({})
    await send(page, ['a', '{"first":{"deep":1}}'], ['a', 'second'], ['a', 'third'])
    const focused = () =>
      page.locator('tabstream-inspector').evaluate(({ shadowRoot }) => {
        const active = shadowRoot?.activeElement
        return active?.getAttribute('aria-label') ?? active?.textContent
      })
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('tabstream')
    await page.keyboard.press('Enter')
    expect(await focused()).toBe('Overview')
    await page.keyboard.press('ArrowLeft')
    expect(await focused()).toBe('Actions')
    await page.keyboard.press('Home')
    for (const view of ['Streams', 'Tabs', 'Events']) {
      await page.keyboard.press('ArrowRight')
      expect(await focused()).toBe(view)
    }
    expect(await page.getByRole('tab', { selected: true }).innerText()).toBe('Events')

    await expectLines(page, [/first/, /second/, /third/])
    await log(page).focus()
    const chosen = () => chosenLine(page).innerText()
    await page.keyboard.press('ArrowUp')
    expect(await chosen()).toMatch(/third/)
    await page.keyboard.press('Home')
    expect(await chosen()).toMatch(/first/)
    const active = await log(page).getAttribute('aria-activedescendant')
    expect(await page.locator(`#${active}`).innerText()).toMatch(/first/)
    const details = page.getByRole('region', { name: 'Chosen line' })
    expect(await details.innerText()).toMatch(/first: \{1\}/)
    await page.keyboard.press('End')
    expect(await chosen()).toMatch(/third/)
    expect(await details.innerText()).toMatch(/third/)

    await page.getByRole('button', { name: 'Close the inspector' }).focus()
    await page.keyboard.press('Enter')
    expect(await focused()).toBe('tabstream')
  })

  test.each(VIEWS)('reach everything in %s, and show where they are', async (view) => {
    const { page } = await inspect({})
    await page.evaluate(() => inspected.populate(inspected.hub))
    await page.getByRole('button', { name: 'tabstream' }).click()
    await show(page, view)
    await page.getByRole('tabpanel').waitFor()
    if (view === 'Events') {
      await page.getByRole('combobox', { name: 'Stream' }).selectOption({ index: 1 })
      await lines(page).first().waitFor()
    }
    if (view === 'Streams') await page.getByRole('button', { name: 'Events' }).first().waitFor()
    if (view === 'Actions') await page.getByRole('button', { name: 'Go offline', disabled: false }).waitFor()
    const reachable = await page
      .locator('tabstream-inspector')
      .evaluate(
        ({ shadowRoot }) =>
          [
            ...(shadowRoot?.querySelectorAll<HTMLElement>('button, select, input, summary, [tabindex]') ??
              []),
          ].filter((one) => one.tabIndex >= 0 && one.offsetParent !== null && !one.matches(':disabled'))
            .length,
      )
    const reached = await page.evaluate(() => {
      document.querySelector<HTMLElement>('h1')?.setAttribute('tabindex', '-1')
      document.querySelector<HTMLElement>('h1')?.focus()
    })
    expect(reached).toBeUndefined()
    const outlines: string[] = []
    for (let count = 0; count < reachable; count++) {
      await page.keyboard.press('Tab')
      outlines.push(
        await page.locator('tabstream-inspector').evaluate(({ shadowRoot }) => {
          const active = shadowRoot?.activeElement as HTMLElement & { wasReached?: boolean }
          if (!active || active.wasReached) return 'nowhere new'
          active.wasReached = true
          return getComputedStyle(active).outlineStyle
        }),
      )
    }
    expect(new Set(outlines)).toEqual(new Set(['solid']))
    expect(reachable).toBeGreaterThanOrEqual(4)
  })
})

describe('the log', () => {
  test('is filtered by name, text and expression, and says beside the field what is wrong with one', async () => {
    const { page } = await inspect()
    await show(page, 'Events')
    await send(page, ['cpu', 'load 1'], ['log', 'Disk full'], ['cpu', 'load 22'])
    await expectLines(page, [/load 1/, /Disk full/, /load 22/])
    const text = page.getByRole('searchbox')
    const expression = page.getByRole('checkbox', { name: 'Regular expression' })
    const name = page.getByRole('combobox', { name: 'Name' })

    await text.fill('disk')
    await expectLines(page, [/Disk full/])
    await text.fill('')
    await name.selectOption('cpu')
    await expectLines(page, [/load 1/, /load 22/])
    await text.fill('\\d\\d')
    await expectLines(page, [])
    await expression.check()
    await expectLines(page, [/load 22/])
    await send(page, ['cpu', 'load 33'], ['log', '44'], ['cpu', 'load 5'])
    await expectLines(page, [/load 22/, /load 33/])

    await text.fill('(')
    await expectLines(page, [/load 1/, /load 22/, /load 33/, /load 5/])
    expect(await text.getAttribute('aria-invalid')).toBe('true')
    const described = await text.getAttribute('aria-describedby')
    expect(await page.locator(`#${described}`).innerText()).toMatch(/regular expression/i)
    await text.fill('1')
    await expectLines(page, [/load 1/])
    expect(await text.getAttribute('aria-invalid')).toBeNull()
  })

  test('stands still while it is paused, and then has everything', async () => {
    const { page } = await inspect()
    await show(page, 'Events')
    await send(page, ['a', 'one'])
    await expectLines(page, [/one/])
    await page.getByRole('button', { name: 'Pause' }).click()
    await send(page, ['a', 'two'], ['a', 'three'])
    await page.getByText('1 line, 2 more since the pause').waitFor()
    await expectLines(page, [/one/])
    await page.getByRole('button', { name: 'Go on' }).click()
    await expectLines(page, [/one/, /two/, /three/])
  })

  test('is cleared, and goes on', async () => {
    const { page } = await inspect()
    await show(page, 'Events')
    await send(page, ['a', 'one'])
    await expectLines(page, [/one/])
    await page.getByRole('button', { name: 'Clear' }).click()
    await expectLines(page, [])
    await send(page, ['a', 'two'])
    await expectLines(page, [/two/])
  })

  test('keeps as many lines as it is told to, and shows them by a few elements', async () => {
    const { page } = await inspect()
    await show(page, 'Events')
    const fill = () =>
      page.evaluate(() => {
        for (let index = 0; index < 900; index++) inspected.stream.send('a', `n${index}`, '1')
      })
    await fill()
    await page.getByText('900 lines').waitFor()
    expect(await lines(page).count()).toBeLessThan(60)
    await expect.poll(() => lines(page).allInnerTexts(), POLL).toContainEqual(expect.stringMatching(/n899/))
    await page.getByRole('combobox', { name: 'Keep' }).selectOption('500')
    await fill()
    await page.getByText('500 lines').waitFor()
    await log(page).focus()
    await page.keyboard.press('Home')
    await expect.poll(() => chosenLine(page).innerText(), POLL).toMatch(/n400/)
    expect(await chosenLine(page).getAttribute('aria-setsize')).toBe('500')
  })

  test('has gaps, states and connections in line with the events', async () => {
    const { page } = await inspect()
    await show(page, 'Events')
    await page.evaluate(() => {
      const { stream } = inspected
      stream.send('a', 'before', '41', Date.now() - 2_000)
      stream.connect({ begunAt: Date.now() - 1_000, resumeAfter: '41' })
      stream.gap({ before: '41', after: '50' })
      stream.send('a', 'after', '50')
    })
    await expectLines(page, [
      /before/,
      /Connection 1 · asked to resume after 41 · status 200/,
      /Gap: history-lost · after 41 · before 50/,
      /after/,
    ])
    await page.evaluate(() => inspected.stream.amend({ repeated: 3, outcome: 'joined' }))
    await expect
      .poll(() => lines(page).nth(1).innerText(), POLL)
      .toMatch(/asked to resume after 41 · 3 known events came back · joined · status 200/)
  })

  test('shows the chosen event as a tree, and copies it', async () => {
    const { page } = await inspect()
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await show(page, 'Events')
    const data = '{"a":[1,"two",null,{"deep":{"er":true}}]}'
    await send(page, ['a', data])
    await lines(page).first().click()
    const details = page.getByRole('region', { name: 'Chosen line' })
    expect(await details.innerText()).toMatch(/a: \[4\]\s+0: 1\s+1: "two"\s+2: null\s+3: \{1\}/)
    expect(await details.innerText()).not.toMatch(/deep/)
    await details.getByText('{1}').last().click()
    await expect.poll(() => details.innerText(), POLL).toMatch(/deep/)
    await details.getByRole('button', { name: 'Copy' }).click()
    await details.getByText('Copied').waitFor()
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(data)
  })

  test('is exported as what is shown', async () => {
    const { page } = await inspect()
    await show(page, 'Events')
    await send(page, ['a', 'one'], ['b', 'two\nlines'])
    await page.getByRole('combobox', { name: 'Name' }).selectOption('b')
    await expectLines(page, [/two/])
    expect(await exported(page, 'SSE')).toBe('id: 2\nevent: b\ndata: two\ndata: lines\n\n')
    expect(JSON.parse(await exported(page, 'JSONL'))).toMatchObject({
      name: 'b',
      id: '2',
      data: 'two\nlines',
    })
  })
})

describe('what comes from outside', ESSENTIAL, () => {
  const HOSTILE = '<img src=x onerror="inspected.hasRun = true">'

  test('is text, whatever it looks like', async () => {
    const { page } = await inspect()
    await page.evaluate((hostile) => {
      const { hub, stream } = inspected
      stream.send(hostile, hostile, hostile)
      stream.send('json', JSON.stringify({ [hostile]: [hostile], ['__proto__']: hostile }), hostile)
      stream.headers.push(hostile)
      const error = { message: hostile, status: 0, contentType: '', body: '' }
      stream.turn({ state: 'connecting', error, attempt: 4 })
      stream.connect({
        end: hostile,
        endedAt: Date.now(),
        headers: [['server', hostile]],
        resumeAfter: hostile,
      })
      stream.report.parked = hostile
      stream.report.names.push(hostile)
      hub.rest.refused = [{ host: 'shared-worker', reason: hostile }]
      hub.rest.origins = [{ origin: hostile, protocol: hostile, limit: 4, live: 1, parked: 0 }]
    }, HOSTILE)
    for (const view of VIEWS) {
      await show(page, view)
      if (view === 'Tabs' || view === 'Actions') continue
      await page.getByText(HOSTILE).filter({ visible: true }).first().waitFor()
      if (view !== 'Events') continue
      for (const line of await lines(page).all()) await line.click()
    }
    const found = await page
      .locator('tabstream-inspector')
      .evaluate(({ shadowRoot }) => shadowRoot?.querySelectorAll('img, script').length)
    expect(found).toBe(0)
    expect(await page.evaluate(() => inspected.hasRun)).toBeUndefined()
  })

  test('has no values of queries, neither in the panel nor in exports, unless they are asked for', async () => {
    const { page } = await inspect({})
    await page.evaluate(() => {
      const { hub, populate } = inspected
      hub.streams.splice(0)
      const feed = populate(hub)
      feed.amend({ end: `GET ${feed.report.url} was lost` })
      hub.rest.refused = [{ host: 'shared-worker', reason: `no script at ${feed.report.url}` }]
    })
    await page.getByRole('button', { name: 'tabstream' }).click()
    for (const view of VIEWS) {
      await show(page, view)
      await page.getByRole('tabpanel', { name: view }).waitFor()
      if (view === 'Events') {
        await page.getByText('was lost').filter({ visible: true }).first().click()
        for (const format of ['JSONL', 'SSE'] as const) {
          const text = await exported(page, format)
          expect(text).toContain('was lost')
          expect(text).not.toContain('s3cret')
        }
      }
      const all = await everything(page)
      expect(all).toContain('/events?token=…&room=…')
      expect(all, view).not.toContain('s3cret')
    }
    await show(page, 'Streams')
    await page.getByRole('switch', { name: /Show queries/ }).check()
    await page.getByRole('heading', { name: 'GET /events?token=s3cret&room=7' }).waitFor()
    await show(page, 'Events')
    await lines(page).filter({ hasText: 's3cret' }).first().click()
    await show(page, 'Connections')
    await show(page, 'Streams')
    await page.getByRole('switch', { name: /Show queries/ }).uncheck()
    expect(await everything(page)).not.toContain('s3cret')
  })
})

test('each view shows what the hub tells', async () => {
  const { page } = await inspect({})
  await page.evaluate(() => {
    inspected.hub.streams.splice(0)
    inspected.populate(inspected.hub)
    inspected.hub.rest.refused = [{ host: 'shared-worker', reason: 'the script is not there' }]
    inspected.hub.streams[1]?.turn({ retryAt: Date.now() + 600_000 })
  })
  await page.getByRole('button', { name: 'tabstream' }).click()
  const shows = async (view: (typeof VIEWS)[number], ...patterns: RegExp[]) => {
    await show(page, view)
    const panel = page.getByRole('tabpanel', { name: view })
    for (const pattern of patterns) await expect.poll(() => panel.innerText(), POLL).toMatch(pattern)
  }
  await shows(
    'Overview',
    /Host\s+shared-worker\s+Lives in this page\s+no/,
    /shared-worker\s+the script is not there/,
    /4 of 4 connections, HTTP\/1\.1, 16 parked/,
    /api\.example\.com\s+1 connection, HTTP\/2/,
    /20 streams on one HTTP\/1\.1 origin/,
    /Compressed \(gzip\): may be buffered/,
    /No IDs: a gap after each cut/,
  )
  await shows(
    'Streams',
    /GET \/events\?token=…&room=…\s+open\s+Events\s+Connections\s+[\d.]+ events a second\s+[\d.]+ k?B a second/,
    /Open for\s+\d+\.?\d* s\s+Connections so far\s+3\s+Last ID\s+41\s+Log\s+40 events, 13[\d.]* kB/,
    /Header names\s+authorization, x-tenant\s+Listened to\s+cpu, log, memory/,
    /orders\s+retrying, next attempt in \d+ min \d+ s/,
    /status 503/,
    /Failed attempts\s+4/,
  )
  await page.evaluate(() => inspected.hub.streams[0]?.send('cpu', '{"load":1}', '42'))
  await shows('Streams', /cpu\s+[\d.]+ \/s\s+[\d.]+ k?B \/s/)
  await shows(
    'Tabs',
    /^This tab\s+visible/,
    /Listens to\s+cpu\s+Behind\s+12 entries, \d.*\s+Unacknowledged\s+0 batches\s+Gaps of its own\s+1/,
    /Unacknowledged\s+1 batch\s/,
    /\shidden\s/,
    /visible, not answering for \d/,
  )
  await shows(
    'Connections',
    /Asked after\s+38\s+Came back\s+3 known events\s+Outcome\s+joined\s+Time to head\s+21 ms\s+Pause before\s+2 s/,
    /Status\s+200\s+Protocol\s+HTTP\/1\.1\s+content-type\s+text\/event-stream/,
    /content-encoding\s+gzip/,
    /Ended\s+\d\d:\d\d:\d\d\.\d{3}, the connection was lost/,
  )
})

test('a stream that has ended stays, with the reason and its connections', async () => {
  const { page } = await inspect()
  await page.evaluate(() => {
    const { hub, stream } = inspected
    hub.rest.origins = [{ origin: location.origin, protocol: 'h2', limit: 4, live: 0, parked: 0 }]
    stream.connect({ status: 401, endedAt: Date.now(), end: 'the server answered with status 401' })
    const error = { message: 'the server answered with status 401', status: 401, contentType: '', body: '' }
    hub.end(stream, { error })
  })
  await show(page, 'Streams')
  const card = page.getByRole('listitem').filter({ hasText: 'GET /events' })
  await card.getByText('has ended').waitFor()
  await card.getByText('the server answered with status 401').waitFor()
  await card.getByRole('button', { name: 'Connections' }).click()
  const connection = page.getByRole('listitem').filter({ hasText: 'Begun at' })
  await expect.poll(() => connection.allInnerTexts(), POLL).toEqual([expect.stringMatching(/Status\s+401/)])
  expect(await connection.first().innerText()).toMatch(/Protocol\s+HTTP\/2/)
})

test('of thousands of streams a hundred are shown, and each can be chosen', async () => {
  const { page } = await inspect()
  await page.evaluate(() => {
    for (let index = 1; index < 3_000; index++)
      inspected.hub.stream(`/events/${index}`).send('a', `of ${index}`, '1')
  })
  await show(page, 'Streams')
  await page.getByText('and 2900 more').waitFor()
  expect(await page.getByRole('button', { name: 'Connections' }).count()).toBe(100)
  await page.getByRole('combobox', { name: 'Stream' }).selectOption('GET /events/2999')
  await show(page, 'Events')
  await expectLines(page, [/of 2999/])
})

describe('actions', ESSENTIAL, () => {
  test('disturb the hub, the chosen stream, or this tab', async () => {
    const { page } = await inspect()
    await show(page, 'Actions')
    const act = (name: string) => page.getByRole('button', { name, exact: true }).click()
    for (const name of ['Cut the connection', 'Reconnect', 'Drop this tab’s place', 'Go offline'])
      await act(name)
    await act('Go online')
    await act('End the hub')
    await page.getByRole('combobox', { name: 'Slow this tab' }).selectOption('200')
    await expect
      .poll(() => page.evaluate(() => inspected.hub.actions), POLL)
      .toEqual([
        { type: 'slow', delay: 0 },
        { type: 'cut', stream: 'stream-0' },
        { type: 'reconnect', stream: 'stream-0' },
        { type: 'skip', stream: 'stream-0' },
        { type: 'offline', isOffline: true },
        { type: 'offline', isOffline: false },
        { type: 'end-hub' },
        { type: 'slow', delay: 200 },
      ])
  })

  test('are disabled where the page has not allowed them, with what to do', async () => {
    const set = await stage()
    serve(set)
    const tab = await set.open('/inspected')
    await tab.page.evaluate(() => {
      inspected.hub.isAllowed = false
    })
    await mount(tab, { open: true })
    await show(tab.page, 'Actions')
    await tab.page.getByText('configure({ inspector: true })').waitFor()
    expect(await tab.page.getByRole('button', { name: 'End the hub' }).isDisabled()).toBe(true)
    expect(await tab.page.getByRole('button', { name: 'Reconnect' }).isDisabled()).toBe(true)
  })
})

test('a screen reader is told of states, not of events', async () => {
  const { page } = await inspect()
  await show(page, 'Events')
  await send(page, ['a', 'one'])
  await expectLines(page, [/one/])
  const status = page.getByRole('status').first()
  expect(await status.textContent()).toBe('')
  await page.evaluate(() => inspected.stream.turn({ state: 'connecting', retryAt: Date.now() + 60_000 }))
  await expect.poll(() => status.textContent(), POLL).toBe('GET /events: retrying')
})

describe('with 1,000 events a second', () => {
  // Something else on the machine may hold a task up.
  test.each(['Events', 'Streams'] as const)('%s has no long task', { retry: 2 }, async (view) => {
    const { page } = await inspect()
    await show(page, view)
    if (view === 'Events') await page.getByRole('combobox', { name: 'Keep' }).selectOption('10000')
    const sent = await page.evaluate(async () => {
      inspected.longTasks = []
      const observer = new PerformanceObserver((list) => {
        inspected.longTasks.push(...list.getEntries().map(({ duration }) => duration))
      })
      observer.observe({ type: 'longtask' })
      const begun = performance.now()
      let sent = 0
      while (performance.now() - begun < 5_000) {
        const due = performance.now() - begun
        for (; sent < due; sent++)
          inspected.stream.send(
            `name-${sent % 20}`,
            JSON.stringify({ sent, text: 'x'.repeat(120) }),
            String(sent + 1),
          )
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
      for (const { duration } of observer.takeRecords()) inspected.longTasks.push(duration)
      return sent
    })
    expect(sent).toBeGreaterThan(4_500)
    expect(await page.evaluate(() => inspected.longTasks)).toEqual([])
    if (view === 'Events') await page.getByText(`${sent.toLocaleString('en')} lines`).waitFor()
  })
})

describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
  test.each([
    ['a desktop', 1280],
    ['a phone', 360],
  ])('on %s: axe finds nothing serious, and nothing is wider than its room', async (_, width) => {
    const { page } = await inspect({})
    await page.emulateMedia({ colorScheme })
    await page.setViewportSize({ width, height: 740 })
    await page.evaluate(() => inspected.populate(inspected.hub))
    await page.getByRole('button', { name: 'tabstream' }).click()
    for (const view of VIEWS) {
      await show(page, view)
      await page.getByRole('tabpanel', { name: view }).waitFor()
      if (view === 'Events') {
        await page.getByRole('combobox', { name: 'Stream' }).selectOption({ index: 1 })
        await lines(page).nth(2).click()
      }
      expect(await seriousIn(page), view).toEqual([])
      expect(await tooWide(page.locator('tabstream-inspector')), view).toEqual([])
    }
  })
})

/** Parts that must be scrolled sideways. */
const tooWide = (inspector: Locator) =>
  inspector.evaluate(({ shadowRoot }) =>
    [...(shadowRoot?.querySelectorAll('.panel, .rows, .details, .tabs, header, .tools') ?? [])]
      .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
      .map(({ className, scrollWidth, clientWidth }) => `${className}: ${scrollWidth} in ${clientWidth}`),
  )
