import type { Browser } from 'playwright'
import { findChromium, launchChromium } from '../browser/browser.ts'
import { callOf, type Engine } from './engine.ts'

/** The browser as users have it. */
export const launch = (): Promise<Engine> => engineOf(launchChromium({ executablePath: findChromium() }))

/** The same engine, without windows where that is to be had. */
export const launchShell = (): Promise<Engine> => engineOf(launchChromium())

async function engineOf(launching: Promise<Browser>): Promise<Engine> {
  const browser = await launching
  const context = await browser.newContext()
  return {
    version: browser.version(),
    async openTab(url) {
      const page = await context.newPage()
      await page.goto(url)
      return {
        evaluate: (run, argument) => page.evaluate(callOf(run, argument)),
        goto: async (url) => void (await page.goto(url)),
        close: () => page.close(),
      }
    },
    close: () => browser.close(),
  }
}
