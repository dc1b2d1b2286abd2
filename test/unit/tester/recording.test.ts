import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Recording } from '../../../src/tester/recording.ts'
import { cut, drawnBytes, readingOf } from '../event-stream.ts'

test('frames are what the standard makes of the bytes, wherever chunks end', () => {
  fc.assert(
    fc.property(drawnBytes(), fc.array(fc.nat(200)), (bytes, borders) => {
      const recording = new Recording('begin', '', 0)
      for (const chunk of cut(bytes, borders)) recording.arrived(chunk)
      const events = recording.frames.filter(({ type }) => type === 'event')
      const { events: due, retries } = readingOf(bytes)
      expect(events.map((frame) => 'name' in frame && [frame.name, frame.data])).toEqual(
        due.map(({ name, data }) => [name, data]),
      )
      expect(recording.eventCount).toBe(due.length)
      expect(recording.retry === undefined || retries.includes(recording.retry)).toBe(true)
      expect(recording.chunks.reduce((sum, { size }) => sum + size, 0)).toBe(bytes.length)
    }),
  )
})

test('the text is kept as it came, and each chunk says where it begins', () => {
  const recording = new Recording('begin', '', 0)
  for (const text of ['data: a', '\n\nda', 'ta: b\n\n']) recording.arrived(new TextEncoder().encode(text))
  expect(recording.text).toBe('data: a\n\ndata: b\n\n')
  expect(recording.chunks.map(({ offset, endsInEvent }) => [offset, endsInEvent])).toEqual([
    [0, true],
    [7, true],
    [11, false],
  ])
})

test('little is kept of much', () => {
  const recording = new Recording('begin', '', 0)
  const block = new TextEncoder().encode(`data: ${'x'.repeat(10_000)}\n\n`)
  for (let count = 0; count < 3_000; count++) recording.arrived(block)
  expect([recording.eventCount, recording.frames.length, recording.chunks.length]).toEqual([
    3_000, 2_000, 2_000,
  ])
  expect(recording.text.length).toBe(65_536)
  expect(
    Math.max(...recording.frames.map((frame) => ('data' in frame ? frame.data.length : 0))),
  ).toBeLessThan(4_200)
})

test('little is kept of a line without an end, and its length is known', () => {
  const recording = new Recording('begin', '', 0)
  for (const text of [': ', ...Array(20).fill('x'.repeat(10_000)), '\n'])
    recording.arrived(new TextEncoder().encode(text))
  const [frame] = recording.frames
  expect(frame?.type === 'comment' && [frame.text.length, frame.size]).toEqual([4_094, 200_003])
  expect(recording.unfinishedLine).toBe(200_002)
})
