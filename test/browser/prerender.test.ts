import { setTimeout } from 'node:timers/promises'
import puppeteer from 'puppeteer-core'
import { expect, test } from 'vitest'
import { findChromium } from './browser.ts'
// @ts-expect-error: a script without types of its own
import { CHROMIUM_FLAGS } from './chromium-flags.mjs'
import { startServer } from './server.ts'

/** Longer than a page waits for any host. */
const LONG = 16_000

// Playwright's pages render nothing ahead.
test('a page that is rendered ahead, for however long, has the worker when it is shown', async () => {
  const server = await startServer()
  const html = (body: string) => (_request: unknown, response: import('node:http').ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end(`<!doctype html>${body}`)
  }
  const rules = JSON.stringify({ prerender: [{ source: 'list', urls: ['/ahead'], eagerness: 'immediate' }] })
  server.answer('/here', html(`<a href="/ahead">on</a><script type="speculationrules">${rules}</script>`))
  server.answer(
    '/ahead',
    html(`<script type="module">
      import { inspect, SharedEventSource } from '/tabstream/index.js'
      const wasAhead = document.prerendering
      new SharedEventSource('/events/news').onopen = async () => {
        const { host, refused } = await inspect()
        fetch('/shown/' + [wasAhead, host, refused.length].join('/'))
      }
      await fetch('/rendered')
    </script>`),
  )
  const browser = await puppeteer.launch({ executablePath: findChromium(), args: CHROMIUM_FLAGS })
  try {
    const page = await browser.newPage()
    await page.goto(server.url('/here'))
    await server.waitForRequest('/rendered')
    await setTimeout(LONG)
    expect(server.channel('news').requests).toEqual([])
    // Another target takes the place of this one, so this call may never end.
    page
      .evaluate(() => void globalThis.setTimeout(() => document.querySelector('a')?.click()))
      .catch(() => {})
    await server.waitForRequest('/shown/true/shared-worker/0')
  } finally {
    await browser.close()
    await server.close()
  }
})
