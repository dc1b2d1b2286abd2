import { createParser } from 'eventsource-parser'
import { describe, expect, test } from 'vitest'
import { toEventStream, toJsonLines } from '../../../src/inspector/export.ts'
import { type Row, rowOf } from '../../../src/inspector/rows.ts'
import { connectionLife, event, NOW } from './answers.ts'

const EVENTS = [
  event(1, 'message', 'plain', '1'),
  event(2, 'cpu', '{"load":1}', '2'),
  event(3, 'cpu', 'of the same ID', '2'),
  event(4, 'log', 'two\nlines\n', '3'),
  event(5, 'log', '', '4'),
  event(6, 'log', ' with a space first', '4'),
  event(7, 'log', 'data: looks like a field', '4'),
  event(8, 'log', ': looks like a comment', 'ü – 5'),
  event(9, 'log', 'the ID is empty again', ''),
  event(10, '<img onerror=alert(1)>', '<script>', ''),
]

const others: Row[] = [
  rowOf({ type: 'gap', seq: 11, reason: 'history-lost', before: '4', after: '9' }, NOW),
  {
    type: 'connection',
    number: 0,
    at: NOW,
    ordinal: 2,
    connection: connectionLife({
      resumeAfter: '4',
      end: 'GET https://dash.test/events?token=s3cret\nwas lost',
    }),
    former: undefined,
  },
]

const rows = [...EVENTS.map((one) => rowOf(one, NOW)), ...others]

/** What a client makes of it: the ID of an event is the last one that came. */
function parsed(text: string) {
  const events: { name: string; data: string; id: string }[] = []
  const comments: string[] = []
  let id = ''
  const parser = createParser({
    onEvent: (one) => {
      id = one.id ?? id
      events.push({ name: one.event ?? 'message', data: one.data, id })
    },
    onComment: (comment) => comments.push(comment),
    onError: (error) => {
      throw error
    },
  })
  parser.feed(text)
  return { events, comments }
}

describe('an export as text/event-stream', () => {
  test('is parsed as the events that it was made of', () => {
    const { events } = parsed(toEventStream(rows))
    expect(events).toEqual(EVENTS.map(({ name, data, id }) => ({ name, data, id })))
  })

  test('has what lies between events as comments, without values of queries', () => {
    const { comments } = parsed(toEventStream(rows))
    expect(comments.map((comment) => comment.trim())).toEqual([
      'Gap: history-lost · after 4 · before 9',
      'Connection 2 · asked to resume after 4 · status 200 · ended: GET https://dash.test/events?token=…',
      'was lost',
    ])
  })
})

describe('an export as JSON lines', () => {
  test('has an object a line', () => {
    const lines = toJsonLines(rows).trimEnd().split('\n')
    expect(lines.slice(0, EVENTS.length).map((line) => JSON.parse(line))).toEqual(
      EVENTS.map(({ name, data, id }) => ({
        type: 'event',
        at: new Date(NOW).toISOString(),
        name,
        id,
        data,
      })),
    )
    expect(lines.slice(EVENTS.length).map((line) => JSON.parse(line))).toMatchObject([
      { type: 'gap', text: 'Gap: history-lost · after 4 · before 9' },
      { type: 'connection' },
    ])
  })

  test('has no values of queries', () => {
    expect(toJsonLines(rows)).not.toContain('s3cret')
  })

  test('leaves out a time that is not known', () => {
    expect(JSON.parse(toJsonLines([rowOf(event(1, 'a', ''), 0)]))).not.toHaveProperty('at')
  })
})
