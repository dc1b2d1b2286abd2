/** What a page can see of an event. */
export interface Looks {
  readonly name: string
  readonly data: string
  readonly id?: string | undefined
}

/** How a server writes its events. */
export interface Wire {
  readonly contentType: string
  /** What each response begins with. It is no event. */
  readonly beginning: string
  /** What arrives at a time is read as one piece. */
  readonly isMerged: boolean
  /** How many bytes at the end of an event may be left out where the response ends in good order. */
  readonly spare: number
  write(event: Looks): string
  /** An ID to resume after that comes without an event, where there can be one. */
  bookmark?(id: string): string
  /** The ID that a request asks to resume after; `''` for none. */
  asked(url: string | undefined, headers: Readonly<Record<string, string>>): string
}

/** Server-Sent Events. */
export const EVENT_STREAM: Wire = {
  contentType: 'text/event-stream',
  beginning: 'retry: 100\n\n',
  isMerged: false,
  spare: 0,
  write: ({ name, data, id }) => `event: ${name}\n${id === undefined ? '' : `id: ${id}\n`}data: ${data}\n\n`,
  asked: (_, headers) => headers['Last-Event-ID'] ?? '',
}
