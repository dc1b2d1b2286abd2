import { describe, expect, test } from 'vitest'
import { record } from './browser.ts'
import { eventsOf, type StreamCase } from './conformance-stage.ts'
import { essentialOnOneHost, SOURCES, useBrowser } from './stage.ts'

const stage = useBrowser()

/** One write per byte. */
const bytewise = (text: string): Uint8Array[] => Array.from(Buffer.from(text), (byte) => Uint8Array.of(byte))

const bytes = (...values: (number | string)[]): Uint8Array =>
  Buffer.concat(values.map((value) => (typeof value === 'string' ? Buffer.from(value) : Buffer.of(value))))

/**
 * [spec] https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 * [spec] https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
const CASES: Record<string, StreamCase[]> = {
  'a byte order mark counts only once and only at the very beginning': [
    { chunks: ['\uFEFFdata: x\n\n'], expected: [['message', 'x']] },
    { chunks: [...bytewise('\uFEFFdata: x\n\n')], expected: [['message', 'x']] },
    { chunks: ['\uFEFF\uFEFFdata: x\n\ndata: y\n\n'], expected: [['message', 'y']] },
    { chunks: ['data: \uFEFFx\n\n\uFEFFdata: y\n\n'], expected: [['message', '\uFEFFx']] },
    { chunks: ['\n\uFEFFdata: x\n\n'], expected: [] },
    // Its bytes, taken for letters, are none.
    { chunks: ['\u00EF\u00BB\u00BFdata: x\n\ndata: y\n\n'], expected: [['message', 'y']] },
  ],
  'lines end with CR, LF and CRLF by turns, wherever a chunk ends': [
    { chunks: ['data: 1\r\ndata: 2\rdata: 3\ndata: 4\r\n\r'], expected: [['message', '1\n2\n3\n4']] },
    {
      chunks: bytewise('data: 1\r\ndata: 2\rdata: 3\ndata: 4\r\n\r\n'),
      expected: [['message', '1\n2\n3\n4']],
    },
    { chunks: ['data: 1\r', '\ndata: 2\r', '\n\r', '\n'], expected: [['message', '1\n2']] },
    {
      chunks: ['data: 1\r\r', 'data: 2\n\n', 'data: 3\n\rdata: 4\r\n\n'],
      expected: [
        ['message', '1'],
        ['message', '2'],
        ['message', '3'],
        ['message', '4'],
      ],
    },
    // Neither NEL nor the separators of Unicode end a line, nor do a vertical tab or a form feed.
    {
      chunks: ['data: 1\u0085data: 2\u2028data: 3\u2029data: 4\vdata: 5\fdata: 6\n\n'],
      expected: [['message', '1\u0085data: 2\u2028data: 3\u2029data: 4\vdata: 5\fdata: 6']],
    },
  ],
  'a line that begins with a colon is a comment, of any length and content': [
    { chunks: [':\ndata: 1\n:data: 2\n: \0\n::\ndata: 3\n\n'], expected: [['message', '1\n3']] },
    {
      chunks: ['data: 1\n:', ...Array(20).fill('x'.repeat(5_000)), '\ndata: 2\n\n'],
      expected: [['message', '1\n2']],
    },
    { chunks: [':\n\n:\n\ndata: 1\n\n'], expected: [['message', '1']] },
  ],
  'a field has exactly one of the known names, in lower case': [
    {
      chunks: [
        'Data: 1\nDATA: 1\n data: 1\ndata : 1\ndat: 1\ndatas: 1\nda-ta: 1\ndata\0: 1\n\0data: 1\nfoo\nfoo: bar\ndata: 2\n\n',
      ],
      expected: [['message', '2']],
    },
    { chunks: ['Event: a\nID: 7\ndata: 1\n\n'], expected: [['message', '1', '']] },
  ],
  'a field loses one space after its colon, and nothing else': [
    {
      chunks: ['data:1\ndata: 2\ndata:  3\ndata:\t4\ndata: 5 \ndata: \ndata::6\ndata: a: b\n\n'],
      expected: [['message', '1\n2\n 3\n\t4\n5 \n\n:6\na: b']],
    },
    {
      chunks: ['event:a\ndata: 1\n\nevent: a \ndata: 2\n\nevent:  a\ndata: 3\n\n'],
      expected: [['a', '1']],
    },
    { chunks: ['id:  7 \ndata: 1\n\n'], expected: [['message', '1', ' 7 ']] },
  ],
  'data lines are joined by LF, and an event needs one': [
    {
      chunks: ['data\n\ndata\ndata\n\ndata:\n\nevent: a\n\nid: 7\n\ndata: 1\n\n\n\n'],
      expected: [
        ['message', ''],
        ['message', '\n'],
        ['message', ''],
        ['message', '1'],
      ],
    },
    { chunks: ['data: \0\n\n'], expected: [['message', '\0']] },
  ],
  'the last event line of a block names the event, and no other block': [
    {
      chunks: ['event: a\nevent: b\ndata: 1\n\ndata: 2\n\nevent: a\n\ndata: 3\n\ndata: 4\nevent: a\n\n'],
      expected: [
        ['b', '1'],
        ['message', '2'],
        ['message', '3'],
        ['a', '4'],
      ],
    },
    {
      chunks: ['event: a\nevent\ndata: 1\n\nevent: a\nevent: \ndata: 2\n\nevent: message\ndata: 3\n\n'],
      expected: [
        ['message', '1'],
        ['message', '2'],
        ['message', '3'],
      ],
    },
  ],
  'an ID holds until another one replaces it, over events of other names too': [
    {
      chunks: [
        'data: 1\n\nid: 7\ndata: 2\n\nevent: a\ndata: 3\n\nevent: other\ndata: 4\nid: 8\n\ndata: 5\n\n',
      ],
      expected: [
        ['message', '1', ''],
        ['message', '2', '7'],
        ['a', '3', '7'],
        ['message', '5', '8'],
      ],
    },
    { chunks: ['id: 7\nid: 8\ndata: 1\n\n'], expected: [['message', '1', '8']] },
    {
      chunks: ['id: 7\n\nid: 8\n: no data\n\ndata: 1\n\n'],
      expected: [['message', '1', '8']],
    },
  ],
  'an empty ID resets it, with a colon or without': [
    {
      chunks: ['id: 7\ndata: 1\n\nid\ndata: 2\n\ndata: 3\n\n'],
      expected: [
        ['message', '1', '7'],
        ['message', '2', ''],
        ['message', '3', ''],
      ],
    },
    {
      chunks: ['id: 7\ndata: 1\n\nid:\ndata: 2\n\nid: 8\ndata: 3\n\nid: \n\ndata: 4\n\n'],
      expected: [
        ['message', '1', '7'],
        ['message', '2', ''],
        ['message', '3', '8'],
        ['message', '4', ''],
      ],
    },
  ],
  'an ID that contains NULL is ignored': [
    ...['\0', '7\0', '\x008', '7\x008', ' \0'].map((id) => ({
      chunks: [`id: 1\ndata: 1\n\nid: ${id}\ndata: 2\n\nid: ${id}\n\ndata: 3\n\n`],
      expected: [
        ['message', '1', '1'],
        ['message', '2', '1'],
        ['message', '3', '1'],
      ] as const,
    })),
    { chunks: ['id: 1\nid: 7\0\ndata: 2\n\n'], expected: [['message', '2', '1']] },
  ],
  'bytes that are no UTF-8 become replacement characters': [
    { chunks: [bytes('data: a', 0xff, 'b', 0x80, 'c\n\n')], expected: [['message', 'a\uFFFDb\uFFFDc']] },
    // A character that breaks off is one; an overlong one and half a surrogate pair are one for each byte.
    { chunks: [bytes('data: ', 0xf0, 0x9f, 0xa6, 'x\n\n')], expected: [['message', '\uFFFDx']] },
    { chunks: [bytes('data: ', 0xc0, 0xaf, '\n\n')], expected: [['message', '\uFFFD\uFFFD']] },
    { chunks: [bytes('data: ', 0xed, 0xa0, 0x80, '\n\n')], expected: [['message', '\uFFFD\uFFFD\uFFFD']] },
    { chunks: [bytes('id: ', 0xff, '\nevent: a\ndata: 1\n\n')], expected: [['a', '1', '\uFFFD']] },
    { chunks: bytewise('data: é漢🦊\n\n'), expected: [['message', 'é漢🦊']] },
    { chunks: [bytes('data: ', 0xc3), bytes('\n\n')], expected: [['message', '\uFFFD']] },
  ],
}

describe.each(SOURCES)('$name', (source) => {
  const { kind, page } = source
  test.each(Object.entries(CASES))('%s', essentialOnOneHost(source), async (_name, cases) => {
    const { server, open } = await stage()
    const tab = await open(page)
    for (const [index, one] of cases.entries()) {
      expect(await eventsOf(server, tab, kind, one), `stream ${index}`).toEqual(one.expected)
    }
  })

  test('what has no blank line after it when the response ends is dropped, and does not leak into the next one', async () => {
    const { server, open } = await stage()
    const answers = [
      'retry: 10\n\nid: 1\ndata: 1\n\nid: 2\nevent: end\ndata: lost',
      'data: 2\n\nevent: end\ndata: end\n\n',
    ]
    const ids: unknown[] = []
    server.answer('/events', (request, response) => {
      ids.push(request.headers['last-event-id'])
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const body = answers.shift()
      if (answers.length > 0) response.end(body)
      else response.write(body)
    })
    const recording = await record(await open(page), '/events', ['message', 'end'], { kind })
    expect(await recording.waitForData('end')).toEqual([
      { type: 'message', data: '1', lastEventId: '1' },
      { type: 'message', data: '2', lastEventId: '1' },
      { type: 'end', data: 'end', lastEventId: '1' },
    ])
    expect(ids).toEqual([undefined, '1'])
  })

  // Were one of these taken for a time, the next connection would be an hour away.
  test('a retry line of anything but digits is ignored', async () => {
    const { server, open } = await stage()
    const channel = server.channel('retry')
    const recording = await record(await open(page), '/events/retry', ['message'], { kind })
    await recording.waitForSignals('open')
    const bogus = [
      '3600000x',
      '3600000.0',
      '+3600000',
      '3.6e6',
      '0x36ee80',
      ' 3600000',
      '3600000 ',
      '٣٦٠٠٠٠٠',
    ]
    channel.sendText(bogus.map((value) => `retry: ${value}\n`).join(''))
    channel.send({ data: 'read' })
    await recording.waitForData('read')
    channel.cut()
    await recording.waitForSignals('open', 2)
  })

  // The other source reconnects twice at the default time, which by then would have been enough for this one as well.
  test('a retry line sets the time until the next connection', async () => {
    const { server, open } = await stage()
    const [slow, usual] = [server.channel('slow'), server.channel('usual')]
    slow.retry = 3_600_000
    usual.retry = undefined
    const tab = await open(page)
    const waiting = await record(tab, '/events/slow', ['message'], { kind })
    const other = await record(tab, '/events/usual', ['message'], { kind })
    for (const recording of [waiting, other]) await recording.waitForSignals('open')
    slow.send({ data: 'read' })
    await waiting.waitForData('read')
    slow.end()
    await waiting.waitForSignals('error')
    for (const count of [2, 3]) {
      usual.end()
      await other.waitForSignals('open', count)
    }
    expect(slow.requests).toHaveLength(1)
  })

  test('a retry line counts from its end on, without an event or a blank line, and the last one wins', async () => {
    const { server, open } = await stage()
    const channel = server.channel('retry')
    channel.preamble = 'retry: 3600000\n\n'
    channel.retry = undefined
    const recording = await record(await open(page), '/events/retry', ['message'], { kind })
    await recording.waitForSignals('open')
    channel.send({ data: 'read' })
    await recording.waitForData('read')
    channel.sendText('retry:0010\n')
    channel.end()
    await recording.waitForSignals('open', 2)
  })
})
