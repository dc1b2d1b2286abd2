import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { CATEGORIES, TRAITS } from '../../../src/tester/resumption-verdict.ts'
import { HELP } from '../../../src/tester/usage.ts'

const read = (page: string): string => readFileSync(join(import.meta.dirname, '../../../docs', page), 'utf8')

/** The first cells of a page's tables. */
const rowsOf = (page: string): string[] =>
  [...read(page).matchAll(/^\| (.*?) \|/gm)].map(([, cell = '']) => cell)

test('the verdicts are those of the table of servers', () => {
  expect(rowsOf('guarantees.md')).toEqual(
    expect.arrayContaining([...Object.values(CATEGORIES), ...Object.values(TRAITS)]),
  )
})

test('the page tells what to do about each verdict', () => {
  expect(rowsOf('testing-a-server.md')).toEqual(expect.arrayContaining(Object.values(CATEGORIES)))
})

test('each option of the page is one of the command', () => {
  const named = read('testing-a-server.md').match(/--[a-z][a-z-]*/g) ?? []
  const known: string[] = HELP.match(/--[a-z][a-z-]*/g) ?? []
  expect(new Set(named).size).toBeGreaterThan(10)
  expect(named.filter((option) => !known.includes(option))).toEqual([])
})
