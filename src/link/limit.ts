/** Whether this can be the most connections to hold: with none, no stream would ever have one. */
export const isLimit = (value: unknown): value is number =>
  typeof value === 'number' && value >= 1 && (Number.isInteger(value) || value === Number.POSITIVE_INFINITY)
