import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
// @ts-expect-error: a script without types of its own
import { FLOOR, newerThanFloor } from '../../.ci/floor.mjs'

const ROOT = join(import.meta.dirname, '../..')

describe('what is shipped uses nothing newer than the oldest browsers have', () => {
  // No browser runs these.
  const forNode = ['cli.js', 'server.js']
  const scripts = readdirSync(join(ROOT, 'dist')).filter(
    (name) => name.endsWith('.js') && !forNode.includes(name),
  )
  const read = (name: string) => readFileSync(join(ROOT, 'dist', name), 'utf8')

  test.each(scripts)('%s', (name) => {
    // With the first, all but these are one program; bindings call their framework, too, and the inspector reads what hubs tell.
    // A source has a hub's platform, and a receiver.
    const isAlone = ['page.js', 'worker.js', 'standalone.js', 'tabstream.global.js'].includes(name)
    const others =
      'class EffectScope { run() {} } class StreamLife { bytes() {} } class Platform { turn() {} queue() {} } class Receiver { opened() {} }'
    expect(newerThanFloor(read(name), isAlone ? '' : `${read('page.js')}\n${others}`)).toEqual([])
  })

  test('there are scripts', () => {
    expect(scripts.sort()).toEqual([
      'define-source.js',
      'durable-source.js',
      'durable.js',
      'hub.js',
      'index.js',
      'inspector.js',
      'lines-source.js',
      'lines.js',
      'page.js',
      'react.js',
      'sending-stream.js',
      'shared-event-source.js',
      'solid.js',
      'source-checks.js',
      'source.js',
      'standalone.js',
      'svelte.js',
      'tabstream.global.js',
      'testing.js',
      'topics-source.js',
      'topics.js',
      'vue.js',
      'websocket-source.js',
      'websocket.js',
      'worker.js',
    ])
  })
})

describe('the check', () => {
  test.each([
    ['URL.canParse(text)', ['.canParse', 'URL.canParse']],
    ['list.toSorted()', ['.toSorted']],
    ['AbortSignal.any([one, other])', ['AbortSignal.any']],
    ['Promise.withResolvers()', ['.withResolvers', 'Promise.withResolvers']],
    ['new EditContext()', ['EditContext']],
    ['globalThis.Observable?.from(list)', ['Observable']],
  ])('finds %s', (code, found) => {
    expect(newerThanFloor(code)).toEqual(found)
  })

  test.each([
    'list.findLast(Boolean)',
    'Object.hasOwn(one, name)',
    'signal.throwIfAborted()',
    'reportError(error)',
    'class Log { toSorted() {} }; new Log().toSorted()',
    'new SharedWorker(url)',
  ])('lets pass %s', (code) => {
    expect(newerThanFloor(code)).toEqual([])
  })
})

test('docs/websocket.md names the browsers whose workers can import', () => {
  const data = JSON.parse(readFileSync(join(ROOT, 'node_modules/@mdn/browser-compat-data/data.json'), 'utf8'))
  const { chrome, firefox, safari } = data.javascript.operators.import.worker_support.__compat.support
  const later = (since: string, floor: number) => Math.max(Number(since), floor)
  expect(readFileSync(join(ROOT, 'docs/websocket.md'), 'utf8')).toContain(
    `Chrome and Edge ${later(chrome.version_added, FLOOR.chrome)}, Safari ${later(safari.version_added, FLOOR.safari)}, Firefox ${later(firefox.version_added, FLOOR.firefox)}`,
  )
})

test('the README names the same browsers', () => {
  const { chrome, firefox, safari } = FLOOR
  expect(readFileSync(join(ROOT, 'README.md'), 'utf8')).toContain(
    `Chrome and Edge ${chrome}, Firefox ${firefox}, Safari ${safari}`,
  )
})
