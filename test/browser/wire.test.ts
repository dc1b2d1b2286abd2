import { describe, expect, test } from 'vitest'
import { record } from './browser.ts'
import { ESSENTIAL, SOURCES, useBrowser } from './stage.ts'

const stage = useBrowser()

describe.each(SOURCES)('$name', ({ kind, page }) => {
  test('2 MB in one data line arrive whole', ESSENTIAL, async () => {
    const { server, open } = await stage()
    const recording = await record(await open(page), '/events/large', ['message'], { kind })
    await recording.waitForSignals('open')
    const data = Array.from(
      { length: 200_000 },
      (_, index) => `${index % 10}é${String(index).padStart(6)}`,
    ).join('')
    expect(Buffer.byteLength(data)).toBeGreaterThan(1.7e6)
    server.channel('large').send({ data }, { data: 'small' })
    const [large, small] = await recording.waitForEvents(2)
    expect(large?.data.length).toBe(data.length)
    expect(large?.data === data).toBe(true)
    expect(small?.data).toBe('small')
  })

  test('an emoji in an ID comes back to the server as its UTF-8 bytes', ESSENTIAL, async () => {
    const { server, open } = await stage()
    const channel = server.channel('emoji')
    const recording = await record(await open(page), '/events/emoji', ['message'], { kind })
    await recording.waitForSignals('open')
    channel.send({ data: 'one', id: 'naïve 🦊' })
    expect(await recording.waitForEvents(1)).toEqual([
      { type: 'message', data: 'one', lastEventId: 'naïve 🦊' },
    ])
    channel.cut()
    channel.send({ data: 'two', id: '2' })
    expect(await recording.waitForEvents(2)).toContainEqual({
      type: 'message',
      data: 'two',
      lastEventId: '2',
    })
    expect(channel.requests.map(({ lastEventId }) => lastEventId)).toEqual([undefined, 'naïve 🦊'])
  })

  test.each([
    ['CRLF', '\r\n'],
    ['CR', '\r'],
  ] as const)('lines may end with %s', async (_name, lineEnd) => {
    const { server, open } = await stage()
    const channel = server.channel('lines')
    channel.lineEnd = lineEnd
    const recording = await record(await open(page), '/events/lines', ['message', 'named'], { kind })
    await recording.waitForSignals('open')
    channel.send({ data: 'a\nb', event: 'named' }, { data: '' }, { data: ' c' }, { data: 'end' })
    // A CR may be the first half of a CRLF, so a parser may keep the last event until it sees more.
    channel.sendText(`: more${lineEnd}`)
    expect(await recording.waitForData('end')).toEqual([
      { type: 'named', data: 'a\nb', lastEventId: '1' },
      { type: 'message', data: '', lastEventId: '2' },
      { type: 'message', data: ' c', lastEventId: '3' },
      { type: 'message', data: 'end', lastEventId: '4' },
    ])
  })

  test('one byte order mark, comments, unknown fields and events without data are passed over', async () => {
    const { server, open } = await stage()
    const channel = server.channel('odd')
    channel.preamble = '\uFEFFdata: first\n\n\uFEFFdata: not a field\n\n'
    const recording = await record(await open(page), '/events/odd', ['message', 'named'], { kind })
    await recording.waitForEvents(1)
    channel.sendText(': comment\n\nfield: value\n\nevent: named\n\ndata\nid: 7\n\nevent: named\ndata:x\n\n')
    expect(await recording.waitForEvents(3)).toEqual([
      { type: 'message', data: 'first', lastEventId: '' },
      { type: 'message', data: '', lastEventId: '7' },
      { type: 'named', data: 'x', lastEventId: '7' },
    ])
  })

  // [spec] The last event ID is set before it is seen that there is no data: servers mark a position so.
  // https://html.spec.whatwg.org/multipage/server-sent-events.html#dispatchMessage
  test('an ID without data is the last event ID from then on', async () => {
    const { server, open } = await stage()
    const channel = server.channel('marks')
    const recording = await record(await open(page), '/events/marks', ['message'], { kind })
    await recording.waitForSignals('open')
    channel.sendText('id: mark\n\ndata: x\n\n')
    expect(await recording.waitForEvents(1)).toEqual([{ type: 'message', data: 'x', lastEventId: 'mark' }])
  })

  test('a burst of 20,000 events arrives whole', async () => {
    const { server, open } = await stage()
    const recording = await record(await open(page), '/events/burst', ['message'], { kind })
    await recording.waitForSignals('open')
    const sent = Array.from({ length: 20_000 }, (_, index) => `event ${index}`)
    server.channel('burst').send(...sent.map((data) => ({ data })))
    const received = await recording.waitForData('event 19999')
    expect(received.filter(({ type }) => type === 'gap')).toEqual([])
    expect(received).toHaveLength(20_000)
    expect(received.every(({ data }, index) => data === sent[index])).toBe(true)
  })
})
