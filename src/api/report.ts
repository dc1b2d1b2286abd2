/** Reports an error as the platform reports an uncaught one. jsdom and Node have no `reportError`. */
export function report(error: unknown): void {
  if (typeof reportError === 'function') reportError(error)
  else {
    setTimeout(() => {
      throw error
    })
  }
}
