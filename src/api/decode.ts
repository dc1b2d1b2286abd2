/** Makes a value of an event's data; what it throws goes to the stream's `onError`. */
export type Decode<T> = (data: string) => T

/** The part in use of a schema of any library that follows https://standardschema.dev: what it is given is parsed JSON. */
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

export type Decoder<T = unknown> = Decode<T> | StandardSchema<T>

/** What a decoder makes of an event's data. */
export type Decoded<D> = D extends {
  readonly '~standard': { readonly types?: { readonly output: infer T } | undefined }
}
  ? T
  : D extends Decode<infer T>
    ? Awaited<T>
    : never

/** The data as it is. */
export const text: Decode<string> = (data) => data

/** The data parsed as JSON; that it is a `T` is taken on trust. */
export const json =
  <T = unknown>(): Decode<T> =>
  (data) =>
    JSON.parse(data) as T

/**
 * @returns a promise only where a schema, or a function, gives one
 * @throws whatever is wrong with the data
 */
export function decode(decoder: Decoder, data: string): unknown {
  // The schemas of some libraries are functions.
  if (!('~standard' in decoder)) return decoder(data)
  const result = decoder['~standard'].validate(JSON.parse(data))
  return result instanceof Promise ? result.then(outcomeOf) : outcomeOf(result)
}

function outcomeOf(result: StandardResult<unknown>): unknown {
  if (result.issues === undefined) return result.value
  throw new TypeError(result.issues.map(({ message }) => message).join('; '))
}
