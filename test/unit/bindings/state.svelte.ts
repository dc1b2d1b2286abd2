/** A state of Svelte that tests can change. */
export function state<Value>(initial: Value): { current: Value } {
  let current = $state.raw(initial)
  return {
    get current() {
      return current
    },
    set current(value) {
      current = value
    },
  }
}
