import { checkId, type LogEvent } from './event-log.ts'

const encoder = new TextEncoder()

export const encode = (text: string): Uint8Array<ArrayBuffer> => encoder.encode(text)

/** Most events go to many clients one after the other, so the last one is kept as it was encoded. */
let latest: { readonly event: LogEvent; readonly bytes: Uint8Array<ArrayBuffer> } | undefined

/**
 * An event as it goes over the wire.
 *
 * @throws {TypeError} where the log's ID or name would begin a field of its own
 */
export function frameOf(event: LogEvent): Uint8Array<ArrayBuffer> {
  if (latest?.event === event) return latest.bytes
  const { id, name, data } = event
  checkId(id)
  if (name !== undefined && /[\r\n]/.test(name))
    throw new TypeError(`the log has an event whose name is not one line`)
  const lines = [`id: ${id}`, ...(name === undefined ? [] : [`event: ${name}`])]
  // A line of an event stream ends with CR, too.
  for (const line of data.split(/\r\n|\r|\n/)) lines.push(`data: ${line}`)
  const bytes = encode(`${lines.join('\n')}\n\n`)
  latest = { event, bytes }
  return bytes
}
