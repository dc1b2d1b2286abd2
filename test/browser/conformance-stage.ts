import { record, type Tab } from './browser.ts'
import type { RecordedEvent } from './recorder.ts'
import type { TestServer } from './server.ts'
import type { SOURCES } from './stage.ts'

export type ConformingSource = (typeof SOURCES)[number]

/** Type, data, and last event ID where the case is about IDs. */
export type Expected = readonly [type: string, data: string, lastEventId?: string]

export interface StreamCase {
  /** What the server sends, one write after the other. */
  readonly chunks: readonly (string | Uint8Array)[]
  readonly expected: readonly Expected[]
}

const NAMES = ['message', 'a', 'b', 'end']
const END = '\n\nevent: end\ndata: end\n\n'

let streams = 0

/** Serves one stream that stays open, and resolves with the events of it, in the form of {@link Expected}. */
export async function eventsOf(
  server: TestServer,
  tab: Tab,
  kind: ConformingSource['kind'],
  { chunks, expected }: StreamCase,
): Promise<Expected[]> {
  const path = `/stream/${++streams}`
  server.answer(path, async (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const chunk of [...chunks, END]) {
      response.write(chunk)
      // Gives each write a chunk of its own on the wire.
      await new Promise((resolve) => setImmediate(resolve))
    }
  })
  const recording = await record(tab, path, NAMES, { kind })
  const received = await recording.waitForData('end')
  await recording.close()
  const withIds = expected.some(({ length }) => length === 3)
  return received.slice(0, -1).map((event) => asExpected(event, withIds))
}

const asExpected = ({ type, data, lastEventId }: RecordedEvent, withId: boolean): Expected =>
  withId ? [type, data, lastEventId] : [type, data]
