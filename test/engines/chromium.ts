import { launchChromium } from '../browser/browser.ts'
import { callOf, type Engine } from './engine.ts'
import { pathOf } from './programs.ts'

export async function launch(): Promise<Engine> {
  const browser = await launchChromium({ executablePath: pathOf('chromium') })
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
