import { describe, expect, test } from 'vitest'
import { filterOf } from '../../../src/inspector/filter.ts'
import { type Row, rowOf } from '../../../src/inspector/rows.ts'
import { event } from './answers.ts'

const rows: Row[] = [
  rowOf(event(1, 'cpu', '{"load":1}', 'a-1'), 0),
  rowOf(event(2, 'log', 'Disk (full)', 'a-2'), 0),
  rowOf({ type: 'gap', seq: 3, reason: 'history-lost', before: 'a-2', after: '' }, 0),
]
const ALL = { name: '', text: '', isExpression: false }

const matching = (choice: Partial<typeof ALL>) => {
  const { matches } = filterOf({ ...ALL, ...choice })
  return rows.filter(matches).map((row) => (row.type === 'event' ? row.id : row.type))
}

describe('a filter', () => {
  test.each([
    ['nothing', {}, ['a-1', 'a-2', 'gap']],
    ['a name', { name: 'cpu' }, ['a-1', 'gap']],
    ['a text in the data, in large or small letters', { text: 'disk' }, ['a-2', 'gap']],
    ['a text in the ID', { text: 'a-1' }, ['a-1', 'gap']],
    ['a text in the name', { text: 'log' }, ['a-2', 'gap']],
    ['a text with signs that expressions know', { text: '(full)' }, ['a-2', 'gap']],
    ['an expression', { text: '"load":\\d', isExpression: true }, ['a-1', 'gap']],
    ['a name and a text that are of different events', { name: 'cpu', text: 'disk' }, ['gap']],
  ])('by %s', (_, choice, expected) => {
    expect(matching(choice)).toEqual(expected)
  })

  test('says what is wrong with an expression, and lets all pass', () => {
    const { problem } = filterOf({ ...ALL, text: '(', isExpression: true })
    expect(problem).toMatch(/regular expression/i)
    expect(matching({ text: '(', isExpression: true })).toEqual(['a-1', 'a-2', 'gap'])
  })

  test('takes a text that is no expression as it is', () => {
    expect(filterOf({ ...ALL, text: '(' }).problem).toBe('')
  })
})
