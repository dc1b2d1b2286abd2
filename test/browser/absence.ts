import { expect } from 'vitest'
import type { Tab } from './browser.ts'
import { POLL } from './stage.ts'

declare global {
  // These live in the page.
  var rings: number
  var wasRestored: boolean | undefined
}

/** Lets a timer of the page ring, which rings no more when the page is frozen. */
export async function startRinging(tab: Tab): Promise<void> {
  await tab.page.evaluate(() => {
    globalThis.rings = 0
    setInterval(() => rings++, 10)
  })
}

export const ringsOf = (tab: Tab) => tab.page.evaluate(() => rings)

/**
 * Goes from the page to another one and back, and fails unless the page was kept in the back/forward cache.
 *
 * @param meanwhile what happens while the page is there
 */
export async function visit(tab: Tab, url: string, meanwhile: () => Promise<void>): Promise<void> {
  const { page } = tab
  await page.evaluate(() => {
    addEventListener('pageshow', ({ persisted }) => {
      globalThis.wasRestored = persisted
    })
  })
  await page.goto(url)
  await meanwhile()
  // A page from the cache is not loaded again: what `goBack` waits for otherwise does not come.
  await page.goBack({ waitUntil: 'commit' })
  const state = () =>
    page.evaluate(() => {
      const [navigation] = performance.getEntriesByType('navigation')
      return {
        wasRestored: globalThis.wasRestored,
        reasons: JSON.stringify(navigation && Reflect.get(navigation, 'notRestoredReasons')),
      }
    })
  await expect.poll(state, POLL).toEqual({ wasRestored: true, reasons: 'null' })
}
