import { expect } from 'vitest'
import type { Tab } from './browser.ts'
import { POLL } from './stage.ts'

declare global {
  /** In the page: what it has heard, in the words of the test. */
  var heard: string[]
}

/** Each of these tabs has heard this, and nothing else. */
export async function expectHeard(tabs: readonly Tab[], expected: readonly string[]): Promise<void> {
  const last = expected.at(-1) ?? ''
  for (const { page } of tabs) {
    await expect.poll(() => page.evaluate((last) => heard.includes(last), last), POLL).toBe(true)
    expect(await page.evaluate(() => heard)).toEqual(expected)
  }
}
