/** Differs from process to process, also where two begin in the same millisecond. */
export const newEpoch = (): string =>
  Date.now().toString(36) +
  Math.floor(Math.random() * 36 ** 4)
    .toString(36)
    .padStart(4, '0')
