/** The part of `LockManager` that tabstream uses. */
export interface Locks {
  request(
    name: string,
    options: { mode?: 'exclusive' | 'shared'; signal?: AbortSignal; steal?: boolean },
    granted: () => Promise<unknown>,
  ): Promise<unknown>
  query(): Promise<{ readonly held?: readonly { readonly name?: string }[] }>
}

/** What both ends of a link need from their environment. A simulation replaces it. */
export interface LinkPlatform {
  /** Milliseconds since 1970, on a clock that never goes back and is nearly the same in all pages. */
  now(): number
  /** 128 random bits: four numbers. */
  randomId(): string
  setTimeout(callback: () => void, milliseconds: number): unknown
  clearTimeout(timer: unknown): void
  /** `undefined` on insecure origins. */
  readonly locks: Locks | undefined
}

declare global {
  var __zone_symbol__setTimeout: ((callback: () => void, milliseconds: number) => unknown) | undefined
}

/** The real environment. */
export const linkPlatform = (): LinkPlatform => ({
  now: clock(),
  randomId,
  // zone.js, as Angular has it, keeps the platform's own: with its timers an app with a stream would never be stable.
  setTimeout: (callback, milliseconds) =>
    (globalThis.__zone_symbol__setTimeout ?? setTimeout)(callback, milliseconds),
  clearTimeout: (timer) => clearTimeout(timer as number),
  // happy-dom has null.
  locks: globalThis.navigator?.locks ?? undefined,
})

/** Some machines stop `performance.now()` while they sleep. Where it lags by more than so many ms, `Date` sets it right. */
const MOST_LAG = 1_000

function clock(): () => number {
  let origin = performance.timeOrigin
  return () => {
    const lag = Date.now() - origin - performance.now()
    if (lag > MOST_LAG) origin += lag
    return origin + performance.now()
  }
}

/** `crypto.randomUUID` is missing on insecure origins. */
const randomId = (): string => crypto.getRandomValues(new Uint32Array(4)).join('-')
