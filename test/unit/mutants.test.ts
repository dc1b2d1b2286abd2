import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
// @ts-expect-error: a script without types of its own
import { budgetMutants } from '../sim/budget/defects.mjs'
// @ts-expect-error: a script without types of its own
import { mutants } from '../sim/defects.mjs'
// @ts-expect-error: a script without types of its own
import { durableMutants } from '../sim/durable/defects.mjs'
// @ts-expect-error: a script without types of its own
import { socketMutants } from '../sim/sockets/defects.mjs'
// @ts-expect-error: a script without types of its own
import { topicMutants } from '../sim/topics/defects.mjs'
// @ts-expect-error: a script without types of its own
import { userMutants } from '../sim/users/defects.mjs'

const ROOT = join(import.meta.dirname, '../..')

// Mutants run only in the whole of the tests, and none of them does once the text of one is gone.
test.each([
  ...mutants,
  ...userMutants,
  ...budgetMutants,
  ...socketMutants,
  ...topicMutants,
  ...durableMutants,
] as {
  name: string
  file: string
  find: string
}[])('the text to mutate occurs once: $name', ({ file, find }) => {
  expect(readFileSync(join(ROOT, file), 'utf8').split(find)).toHaveLength(2)
})
