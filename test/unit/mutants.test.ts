import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
// @ts-expect-error: a script without types of its own
import { allMutants } from '../sim/all-defects.mjs'

const ROOT = join(import.meta.dirname, '../..')

// Mutants run only in the whole of the tests, and none of them does once the text of one is gone.
test.each(
  allMutants as {
    name: string
    file: string
    find: string
  }[],
)('the text to mutate occurs once: $name', ({ file, find }) => {
  expect(readFileSync(join(ROOT, file), 'utf8').split(find)).toHaveLength(2)
})
