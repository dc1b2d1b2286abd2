import type { LineOptions } from '../../../src/link/lines.ts'
import type { SourceRequest } from '../../../src/link/protocol.ts'
import type { Wire } from './wire.ts'

/** How servers write lines, and are told where to resume. */
export interface LineManners {
  readonly format: 'ndjson' | 'json-seq'
  /** The parameter that the ID to resume after goes into; without one it goes into a header. */
  readonly query?: string | undefined
}

export const LINES_SCRIPT = 'https://dash.test/lines-source.js'

/** The name of what has none: half a line, for one. No server sends it. */
export const UNNAMED = 'message'

/** What pages ask for whose servers send lines. */
export function linesSource({ format, query }: LineManners): SourceRequest {
  const options: LineOptions = {
    format,
    query,
    frame: { name: '/event', id: '/id', data: '/data' },
    heartbeat: ['bookmark'],
  }
  return { script: LINES_SCRIPT, options: JSON.stringify(options) }
}

const TYPES: Readonly<Record<LineManners['format'], string>> = {
  ndjson: 'application/x-ndjson',
  'json-seq': 'application/json-seq',
}

/** A line, or a text of a sequence, for each event. */
export function linesWire({ format, query }: LineManners): Wire {
  const begin = format === 'json-seq' ? '\x1e' : ''
  return {
    contentType: TYPES[format],
    beginning: `${begin}{}\n\n`,
    isMerged: true,
    // The last line need not end where the response does.
    spare: 1,
    write: ({ name, data, id }) =>
      `${begin}${JSON.stringify({ event: name, ...(id !== undefined && { id: idFor(id) }), data })}\n`,
    bookmark: (id) => `${begin}${JSON.stringify({ event: 'bookmark', ...(id !== '' && { id }) })}\n`,
    asked: (url, headers) =>
      query === undefined
        ? (headers['Last-Event-ID'] ?? '')
        : (new URL(String(url)).searchParams.get(query) ?? ''),
  }
}

/** Servers whose IDs are numbers send them as such. */
const idFor = (id: string): string | number => (String(Number(id)) === id ? Number(id) : id)
