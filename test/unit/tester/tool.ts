import { run } from '../../../src/tester/run.ts'

/** What the command prints, and its exit status. */
export interface Ran {
  readonly status: number
  readonly text: string
  readonly errors: string
}

/** Runs `tabstream` with these arguments, in this process. */
export async function tabstream(...args: readonly string[]): Promise<Ran> {
  let text = ''
  let errors = ''
  const status = await run(args, '1.2.3', {
    write: (more) => {
      text += more
    },
    complain: (more) => {
      errors += more
    },
  })
  return { status, text, errors }
}
