import { LONGEST_TIMER } from './protocol.ts'

/** Whether this can say what a stream costs while its page is hidden. */
export function isHidden(value: unknown): boolean {
  if (typeof value === 'string') return ['live', 'batch', 'park'].includes(value)
  const { parkAfter } = (value ?? {}) as { parkAfter?: unknown }
  return typeof parkAfter === 'number' && parkAfter >= 0 && parkAfter <= LONGEST_TIMER
}
