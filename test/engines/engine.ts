/** A running browser, with one profile: just what the cases need of it. */
export interface Engine {
  readonly version: string
  /** Opens a tab beside those that are open, and resolves when its page has loaded. */
  openTab(url: string): Promise<EngineTab>
  /** Ends the browser, and every process that was started for it. */
  close(): Promise<void>
}

export interface EngineTab {
  /** Runs a function in the page and resolves with what it returns or resolves with, as JSON can tell it. */
  evaluate<Argument, Result>(
    run: (argument: Argument) => Result | Promise<Result>,
    argument: Argument,
  ): Promise<Result>
  goto(url: string): Promise<void>
  /** Closes the tab as a user does. */
  close(): Promise<void>
}

/**
 * The source text of a call, which all three protocols take to a page alike. So the function may refer to nothing
 * outside, and its argument is what JSON can tell.
 */
export function callOf<Argument>(run: (argument: Argument) => unknown, argument: Argument): string {
  return `(${run})(${JSON.stringify(argument) ?? ''})`
}
