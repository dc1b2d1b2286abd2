/** What a client asks for. */
export interface Asked {
  /** At least one, each once. */
  readonly topics: readonly string[]
  /** ID of its last event. */
  readonly after: string | undefined
}

/** What a client may make the server look at. */
const MOST_TOPICS = 64
const LONGEST = 256

/** No log has an ID like this: what is too long is answered as what is unknown. */
const UNKNOWN = '?'

/** @param topics those that the server names; `undefined` where the client may. Returns `undefined` where the request makes no sense. */
export function askedOf({ url, headers }: Request, topics: readonly string[] | undefined): Asked | undefined {
  const { searchParams } = new URL(url)
  const named = [...new Set(topics ?? searchParams.getAll('topic'))].filter((topic) => topic !== '')
  if (named.length === 0) return undefined
  if (topics === undefined && (named.length > MOST_TOPICS || named.some(({ length }) => length > LONGEST)))
    return undefined
  // A browser's EventSource comes back to the same URL, so its header is newer than what the URL says.
  const id = headers.get('last-event-id') || searchParams.get('since') || undefined
  return { topics: named, after: id !== undefined && id.length > LONGEST ? UNKNOWN : id }
}
