import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
// @ts-expect-error: a script without types of its own
import { readFigures, withFigures } from '../bench/figures.mjs'
// @ts-expect-error: a script without types of its own
import { measureSizes } from '../bench/sizes.mjs'

const README = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8')

/** Every entry whose size is measured, and what its row of the README's tables has. */
const ROWS: Record<string, string> = {
  SharedEventSource: '[`SharedEventSource`]',
  connect: '[`connect()`]',
  defineStream: '[`defineStream()`]',
  'tabstream/react': '`tabstream/react`',
  'tabstream/solid': '`tabstream/solid`',
  'tabstream/svelte': '`tabstream/svelte`',
  'tabstream/vue': '[composables]',
  useSharedEventSource: '[`useSharedEventSource`]',
  'tabstream/topics': '`tabstream/topics`',
  'topics-source.js': 'the source for topics',
  'tabstream/websocket': '`tabstream/websocket`',
  'websocket-source.js': 'the source for WebSockets',
  'tabstream/durable': '`tabstream/durable`',
  'durable-source.js': 'the source for Durable Streams',
  'tabstream/lines': '`tabstream/lines`',
  'lines-source.js': 'the source for lines',
  'tabstream/source': '[`connectSource()`]',
  'define-source.js': '`defineSource()`, in a script',
  'tabstream.global.js': '`tabstream/global`',
  'standalone.js': '`tabstream/standalone`',
  'tabstream/inspector': '`tabstream/inspector`',
  'tabstream/testing': '`tabstream/testing`',
  'worker.js': 'the worker',
  'hub.js': 'the hub, where',
}

test('the sizes that the README states are those of the build', async () => {
  const sizes: Record<string, { brotli: number }> = await measureSizes()
  expect(Object.keys(ROWS).sort()).toEqual(Object.keys(sizes).sort())
  const rows = README.split('\n').filter((line) => line.startsWith('| '))
  const stated = Object.values(ROWS).map(
    (text) => /([\d.]+ kB) \|$/.exec(rows.find((row) => row.includes(text)) ?? '')?.[1],
  )
  expect(stated).toEqual(
    Object.keys(ROWS).map((name) => `${((sizes[name]?.brotli ?? 0) / 1_000).toFixed(1)} kB`),
  )
}, 60_000)

test('the figures that the README states are those that were measured', () => {
  expect(withFigures(README, readFigures())).toBe(README)
})

test('the README is a page that people read to its end', () => {
  expect(README.split('\n').length).toBeLessThanOrEqual(200)
})
