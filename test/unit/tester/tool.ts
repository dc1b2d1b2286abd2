import { run } from '../../../src/tester/run.ts'

/** What the command prints, and its exit status. */
export interface Ran {
  readonly status: number
  readonly text: string
  readonly errors: string
}

/** Runs `tabstream` with these arguments, in this process. */
export const tabstream = (...args: readonly string[]): Promise<Ran> => tabstreamBy(() => {}, ...args)

/**
 * The same for a user who sees what is printed.
 *
 * @param sees is given all that has been printed, whenever more is, and what presses Enter
 */
export async function tabstreamBy(
  sees: (text: string, enter: () => void) => void,
  ...args: readonly string[]
): Promise<Ran> {
  let text = ''
  let enter = () => {}
  let errors = ''
  const status = await run(args, '1.2.3', {
    write: (more) => {
      text += more
      sees(text, () => enter())
    },
    onEnter: (act) => {
      enter = act
      return () => {
        enter = () => {}
      }
    },
    complain: (more) => {
      errors += more
    },
  })
  return { status, text, errors }
}
