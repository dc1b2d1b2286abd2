import type { Pause } from '../page/inbox.ts'
import type { StreamEvent } from './shared-stream.ts'

/** Turns an event's data into a value. Errors that it throws go to the stream's `onError`. */
export type Decode<T> = (data: string) => T

/** The part that tabstream uses of a schema as in https://standardschema.dev. It validates parsed JSON. */
export interface StandardSchema<T = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => StandardResult<T> | Promise<StandardResult<T>>
    readonly types?: { readonly input: unknown; readonly output: T } | undefined
  }
}

export type StandardResult<T> =
  | { readonly value: T; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string }[] }

/** A function or a schema that decodes an event's data. */
export type Decoder<T = unknown> = Decode<T> | StandardSchema<T>

/** The type of the values that a decoder produces. */
export type Decoded<D> = D extends {
  readonly '~standard': { readonly types?: { readonly output: infer T } | undefined }
}
  ? T
  : D extends Decode<infer T>
    ? Awaited<T>
    : never

/** Leaves the data as a string. */
export const text: Decode<string> = (data) => data

/** Parses the data as JSON. It does not check that the result is a `T`. */
export const json =
  <T = unknown>(): Decode<T> =>
  (data) =>
    JSON.parse(data) as T

/** The bytes of a binary message, whose data are a character for each. */
export const bytes: Decode<Uint8Array<ArrayBuffer>> = (data) =>
  Uint8Array.from(data, (character) => character.charCodeAt(0))

/** The bytes that data in Base64 stand for. Throws where they are not. */
export const base64: Decode<Uint8Array<ArrayBuffer>> = (data) => bytes(atob(data))

/**
 * @returns a promise if the schema or the function returns one
 * @throws if the data is not JSON, the schema finds issues, or the function throws
 */
export function decode(decoder: Decoder, data: string): unknown {
  // Some libraries' schemas are functions too.
  if (!('~standard' in decoder)) return decoder(data)
  const result = decoder['~standard'].validate(JSON.parse(data))
  return result instanceof Promise ? result.then(outcomeOf) : outcomeOf(result)
}

function outcomeOf(result: StandardResult<unknown>): unknown {
  if (result.issues === undefined) return result.value
  throw new TypeError(result.issues.map(({ message }) => message).join('; '))
}

/**
 * Decodes the event's data and hands the event over. Returns a promise if that takes time.
 *
 * @param isWanted asked after asynchronous decoding, before the event, or what went wrong, is handed over
 */
export function handDecoded(
  raw: StreamEvent,
  decoders: Readonly<Record<string, Decoder>> | undefined,
  isWanted: () => boolean,
  handOver: (event: StreamEvent<unknown>) => Pause,
  fault: (error: unknown) => void,
): Pause {
  const decoder = decoders && Object.hasOwn(decoders, raw.name) ? decoders[raw.name] : undefined
  if (decoder === undefined) return handOver(raw)
  try {
    const value = decode(decoder, raw.data)
    if (!(value instanceof Promise)) return handOver({ ...raw, data: value })
    return value.then(
      async (data) => {
        if (isWanted()) await handOver({ ...raw, data })
      },
      (error) => {
        if (isWanted()) fault(error)
      },
    )
  } catch (error) {
    fault(error)
    return undefined
  }
}
