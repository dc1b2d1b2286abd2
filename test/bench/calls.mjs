/**
 * Answers what remote.mjs calls, until its process is gone.
 *
 * @param {Record<string, (...parameters: any[]) => unknown>} calls
 */
export function answerCalls(calls) {
  process.on('message', async ({ number, call, parameters }) => {
    try {
      process.send?.({ number, result: await calls[call](...parameters) })
    } catch (error) {
      process.send?.({ number, error: String(error) })
    }
  })
  process.on('disconnect', () => process.exit())
}
