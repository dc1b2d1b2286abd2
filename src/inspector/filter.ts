import type { Row } from './rows.ts'

/** What the developer has chosen. */
export interface Choice {
  /** Of an event; `''` for any. */
  readonly name: string
  /** In name, ID or data; `''` for any. Letters may be large or small. */
  readonly text: string
  /** The text is a regular expression. */
  readonly isExpression: boolean
}

export interface Filter {
  /** Lines that are no events always match: they tell what lies between events. */
  matches(row: Row): boolean
  /** What is wrong with the expression, which then lets all pass; `''` where nothing is. */
  readonly problem: string
}

export function filterOf({ name, text, isExpression }: Choice): Filter {
  let expression: RegExp | undefined
  let problem = ''
  try {
    if (text !== '') expression = new RegExp(isExpression ? text : literally(text), 'i')
  } catch (error) {
    problem = error instanceof Error ? error.message : String(error)
  }
  return {
    problem,
    matches(row) {
      if (row.type !== 'event') return true
      if (name !== '' && row.name !== name) return false
      return expression === undefined || [row.data, row.name, row.id].some((part) => expression.test(part))
    },
  }
}

const literally = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
