/** Longer values than this identify nothing. */
const LONGEST = 256

/** Whether it is a JSON Pointer as in [RFC 6901](https://www.rfc-editor.org/rfc/rfc6901). */
export const isPointer = (value: unknown): value is string =>
  typeof value === 'string' && /^(\/([^~]|~[01])*)?$/.test(value)

/**
 * What makes an event the same as another one, whatever their IDs: the value in its data to which a JSON Pointer leads. The
 * function answers `undefined` where there is none.
 */
export function identifier(pointer: string): (event: { name: string; data: string }) => string | undefined {
  const keys = keysOf(pointer)
  return ({ name, data }) => {
    try {
      const value = valueAt(JSON.parse(data), keys)
      const text = JSON.stringify(value)
      return text === undefined || text.length > LONGEST ? undefined : `${name}\n${text}`
    } catch {
      return undefined
    }
  }
}

/** Of a JSON Pointer. */
export const keysOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))

/** `undefined` where there is none. */
export const valueAt = (value: unknown, keys: readonly string[]): unknown => keys.reduce(memberOf, value)

const memberOf = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Readonly<Record<string, unknown>>)[key]
    : undefined
