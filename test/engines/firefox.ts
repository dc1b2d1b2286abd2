import puppeteer from 'puppeteer-core'
import { callOf, type Engine } from './engine.ts'
import { pathOf } from './programs.ts'

/** Over WebDriver BiDi, the one protocol by which the stock build can be driven. */
export async function launch(): Promise<Engine> {
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: pathOf('firefox-esr'),
    headless: true,
  })
  return {
    version: (await browser.version()).replace(/^\D+/, ''),
    async openTab(url) {
      const page = await browser.newPage()
      await page.goto(url)
      return {
        evaluate: async (run, argument) => (await page.evaluate(callOf(run, argument))) as never,
        goto: async (url) => void (await page.goto(url)),
        close: () => page.close(),
      }
    },
    close: () => browser.close(),
  }
}
