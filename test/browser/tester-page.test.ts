import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
// @ts-expect-error: a script that is checked with the demo
import { startDemo } from '../../demo/server.mjs'
import { seriousIn } from './accessibility.ts'
import { launchChromium } from './browser.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let browser: Browser
let demo: { url: string; close(): Promise<void> }

beforeAll(async () => {
  browser = await launchChromium()
  demo = await startDemo({ port: 0, testsAnyAddress: true })
})

afterAll(async () => {
  await browser.close()
  await demo.close()
})

const SECRETS = {
  query: 'secret-of-the-query',
  password: 'secret-of-the-user',
  header: 'secret-of-a-header',
  cookie: 'secret-of-a-cookie',
  body: 'secret-of-the-body',
}

/** Fills the form with everything that it takes. */
async function fill(page: Page): Promise<void> {
  const { host } = new URL(demo.url)
  await page.goto(`${demo.url}/tester.html`)
  await page.getByLabel('URL').fill(`http://me:${SECRETS.password}@${host}/events?token=${SECRETS.query}`)
  await page.getByLabel('Cut after so many events').fill('3')
  await page.getByText('The request').click()
  await page.getByLabel('Method').fill('QUERY')
  await page.getByLabel('Last-Event-ID').fill('41 ‮é')
  await page.getByLabel('Origin for CORS').fill('https://app.example')
  await page.getByLabel('Cookies').fill(`sid=${SECRETS.cookie}`)
  await page.getByLabel('Headers, one per line').fill(`Authorization: Bearer ${SECRETS.header}`)
  await page.getByLabel('Body').fill(SECRETS.body)
  await page.getByLabel('Show the bytes').check()
}

const said = (page: Page) => page.locator('#result').innerText()

describe('the page "Test a server"', () => {
  test('has an address that fills the form again, and holds no secret', async () => {
    const page = await browser.newPage()
    await fill(page)
    await page.getByRole('button', { name: 'Test' }).click()
    await page.getByText('a URL with a user name or password cannot be fetched').waitFor()
    const link = page.url()
    for (const secret of Object.values(SECRETS)) {
      expect(decodeURIComponent(link)).not.toContain(secret)
      expect(await said(page)).not.toContain(secret)
    }
    const other = await browser.newPage()
    await other.goto(link)
    expect(new URL(link).search).toBe('')
    const values = await other.locator('form').evaluate((form) => [...new FormData(form as HTMLFormElement)])
    expect(Object.fromEntries(values)).toEqual({
      url: `${demo.url}/events`,
      preset: '',
      topic: '',
      'cut-after': '3',
      duration: '10',
      method: 'QUERY',
      'last-event-id': '41 ‮é',
      origin: 'https://app.example',
      cookie: '',
      header: '',
      body: '',
      raw: 'on',
    })
    for (const one of [page, other]) await one.close()
  })

  test('copies the request as a command or code, without secrets', async () => {
    const page = await browser.newPage()
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await fill(page)
    for (const [name, words] of [
      ['curl', "curl -N -X QUERY -H 'accept: text/event-stream'"],
      ['EventSource', 'new EventSource('],
      ['connect()', "import { connect } from 'tabstream'"],
    ] as const) {
      await page.getByRole('button', { name, exact: true }).click()
      await page.getByText(words).waitFor()
      await page.getByText('Copied').waitFor()
      const copied = await page.evaluate(() => navigator.clipboard.readText())
      expect(copied).toContain(words)
      for (const secret of Object.values(SECRETS)) expect(copied).not.toContain(secret)
    }
    await page.close()
  })

  test('cuts a connection by hand, and shows what comes of it', async () => {
    const page = await browser.newPage()
    await page.goto(`${demo.url}/tester.html`)
    await page.getByLabel('URL').fill(`${demo.url}/events`)
    await page.getByLabel('Cut after so many events').fill('0')
    await page.getByRole('button', { name: 'Test' }).click()
    await expect.poll(() => said(page), { timeout: 20_000 }).toMatch(/\n +12 /)
    await page.getByRole('button', { name: 'Cut, and reconnect' }).click()
    await page.getByText('cut by hand after').first().waitFor()
    await page.getByText('Does it resume? yes').waitFor()
    await page.getByRole('button', { name: 'Cut, and reconnect', disabled: true }).waitFor()
    await page.close()
  })

  test('shows what a server sends as text', async () => {
    const hostile = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'x-note': HOSTILE })
      response.end(`id: ${HOSTILE}\nevent: ${HOSTILE}\ndata: ${HOSTILE}\u202e\u0007\n\n: ${HOSTILE}\n\n`)
    })
    await new Promise<void>((resolve) => hostile.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      hostile.closeAllConnections()
      hostile.close()
    })
    const page = await browser.newPage()
    await page.goto(`${demo.url}/tester.html`)
    await page.getByLabel('URL').fill(`http://127.0.0.1:${(hostile.address() as AddressInfo).port}/`)
    await page.getByLabel('Read for so many seconds').fill('1')
    await page.getByLabel('Show the bytes').check()
    await page.getByRole('button', { name: 'Test' }).click()
    await page.getByText('Does it resume?').waitFor()
    const text = await said(page)
    expect(text).toContain(`x-note: ${HOSTILE}`)
    expect(text).toContain('\\u202e')
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cf}\p{Cc}]/u)
    expect(await page.locator('#result *').count()).toBe(0)
    await page.close()
  })
})

const HOSTILE = '<img src=x onerror="document.title = 1">'

describe.each(['light', 'dark'] as const)('the page "Test a server" in %s', (colorScheme) => {
  test.each([
    ['a desktop', 1280],
    ['a phone', 360],
  ])(
    'on %s tells what the command does; axe finds nothing serious, and nothing is wider than its room',
    async (_, width) => {
      const page = await browser.newPage({ colorScheme, viewport: { width, height: 740 } })
      await page.goto(`${demo.url}/tester.html`)
      expect(await seriousIn(page)).toEqual([])
      await page.getByLabel('URL').fill(`${demo.url}/events`)
      await page.getByLabel('Cut after so many events').fill('3')
      await page.getByText('The request').click()
      await page.getByRole('button', { name: 'Test' }).click()
      await page.getByText('Does it resume? yes: this server replays what came after the ID').waitFor()
      await page.getByRole('button', { name: 'Test', disabled: false }).waitFor()
      expect(await seriousIn(page)).toEqual([])
      const { scrollWidth, clientWidth } = await page.evaluate(() => {
        const { scrollWidth, clientWidth } = document.documentElement
        return { scrollWidth, clientWidth }
      })
      expect(scrollWidth).toBe(clientWidth)
      await page.close()
    },
  )
})
