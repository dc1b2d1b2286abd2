/** Node warns of a signal with more than ten listeners, so each has one, however many responses end with it. */
const calls = new WeakMap<AbortSignal, Set<() => void>>()

/** Calls when the signal aborts, also where it has already. Returns what to call when that is no longer of interest. */
export function whenAborted(signal: AbortSignal, call: () => void): () => void {
  if (signal.aborted) {
    call()
    return () => {}
  }
  const known = calls.get(signal)
  const all = known ?? new Set()
  all.add(call)
  if (known === undefined) {
    calls.set(signal, all)
    signal.addEventListener('abort', () => {
      for (const one of [...all]) one()
    })
  }
  return () => void all.delete(call)
}
