import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

// TOOLS.md says which test sees what.

const TESTS = join(import.meta.dirname, '..')
const PAGE = readFileSync(join(TESTS, 'TOOLS.md'), 'utf8')

/** Files by their first word. */
const FILES = new Map(
  [...PAGE.matchAll(/^\| \*([\w-]+)\* \| \[.*?\]\((.*?)\)/gm)].map(([, name, path]) => [name, path]),
)

const ROWS = [...PAGE.matchAll(/^\| ([^*|-][^|]*) \| (.*) \|$/gm)].filter(([, shown]) => shown !== 'shown')

test('the page names each file that it means', () => {
  for (const path of FILES.values()) expect(existsSync(join(TESTS, path ?? '')), path).toBe(true)
  expect(FILES.size).toBeGreaterThan(15)
  expect(ROWS.length).toBeGreaterThan(30)
})

test.each(ROWS.map(([, shown = '', seen = '']) => [shown, seen]))('a test sees: %s', (_, seen) => {
  const named = [...seen.matchAll(/\*([\w-]+)\*: (.*?)(?= · \*|$)/g)]
  const isLeftOut = /^Left out: .{20}/.test(seen)
  expect(named.length > 0 || isLeftOut).toBe(true)
  for (const [, file = '', name = ''] of named) {
    const path = FILES.get(file)
    expect(path, file).toBeDefined()
    expect(readFileSync(join(TESTS, path ?? ''), 'utf8'), `${file}: ${name}`).toContain(`'${name}'`)
  }
})
