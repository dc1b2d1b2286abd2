import type { Browser } from 'playwright'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
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
