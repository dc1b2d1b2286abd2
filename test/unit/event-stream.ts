import fc from 'fast-check'

/** What a whole event stream means. */
export interface EventStreamReading {
  readonly events: readonly { readonly name: string; readonly data: string; readonly lastEventId: string }[]
  /** Values of `retry` fields, in ms. */
  readonly retries: readonly number[]
  readonly lastEventId: string
}

/** [spec] Interprets a stream as the standard says, as a whole and without a thought for speed.
 *  https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation */
export function readingOf(bytes: Uint8Array): EventStreamReading {
  const events: { name: string; data: string; lastEventId: string }[] = []
  const retries: number[] = []
  let [data, type, idBuffer, lastEventId] = ['', '', '', '']
  const dispatch = () => {
    lastEventId = idBuffer
    if (data !== '')
      events.push({ name: type === '' ? 'message' : type, data: data.slice(0, -1), lastEventId })
    data = ''
    type = ''
  }
  const take = (field: string, value: string) => {
    if (field === 'event') type = value
    else if (field === 'data') data += `${value}\n`
    else if (field === 'id' && !value.includes('\0')) idBuffer = value
    else if (field === 'retry' && /^[0-9]+$/.test(value)) retries.push(Number(value))
  }
  // UTF-8 decode takes one byte order mark away, and puts U+FFFD for what makes no sense.
  const lines = new TextDecoder().decode(bytes).split(/\r\n|\r|\n/)
  // What is not followed by the end of a line is no line yet.
  for (const line of lines.slice(0, -1)) {
    const colon = line.indexOf(':')
    if (line === '') dispatch()
    else if (colon < 0) take(line, '')
    else if (colon > 0) take(line.slice(0, colon), line.slice(colon + 1).replace(/^ /, ''))
  }
  return { events, retries, lastEventId }
}

/** Streams that make sense and nonsense: fields, comments, line ends of all kinds, marks, NULL, and broken UTF-8. */
export function drawnBytes(names: readonly string[] = ['a', 'b', 'message', '']): fc.Arbitrary<Uint8Array> {
  const oddities = ['\0', '\ufeff', 'ï»¿', '🙂', 'é', ':', ' ', '\u2028', '7', '']
  const word = fc.oneof(fc.constantFrom(...oddities), fc.string({ maxLength: 4 }))
  const value = fc.array(word, { maxLength: 3 }).map((words) => words.join('').replace(/[\r\n]/g, ''))
  const separator = fc.constantFrom(':', ': ', ':  ', '', ' :')
  const field = fc.constantFrom(
    'data',
    'data',
    'data',
    'id',
    'id',
    '',
    'Data',
    'datas',
    'dat',
    ' data',
    '\ufeffdata',
  )
  const plain = fc.tuple(fc.constantFrom('data: ', 'data:', 'id: ', 'id:'), value)
  const lines = fc.oneof(
    { weight: 6, arbitrary: plain.map((parts) => parts.join('')) },
    { weight: 3, arbitrary: fc.tuple(field, separator, value).map((parts) => parts.join('')) },
    { weight: 2, arbitrary: fc.constantFrom(...names).map((name) => `event: ${name}`) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('0', '7', '1500', '-1', '1.5', 'x', '').map((time) => `retry: ${time}`),
    },
    { weight: 1, arbitrary: fc.constant('') },
  )
  const ends = fc.constantFrom('\n', '\r', '\r\n')
  const ended = fc.tuple(lines, ends).map((parts) => parts.join(''))
  const text = fc
    .tuple(fc.array(ended, { maxLength: 3 }), fc.oneof(ends, fc.constant('')))
    .map(([some, end]) => new TextEncoder().encode(some.join('') + end))
  const broken = fc.uint8Array({ maxLength: 3, min: 0x80 })
  const piece = fc.oneof({ weight: 15, arbitrary: text }, { weight: 1, arbitrary: broken })
  const marks = fc
    .constantFrom('', '', '\ufeff', '\ufeff\ufeff', 'ï»¿')
    .map((mark) => new TextEncoder().encode(mark))
  return fc.tuple(marks, fc.array(piece, { maxLength: 25 })).map(([mark, pieces]) => {
    return Uint8Array.from([mark, ...pieces].flatMap((bytes) => [...bytes]))
  })
}

/** The bytes in chunks that end at these borders, in whichever order they are. */
export function cut(bytes: Uint8Array, borders: readonly number[]): Uint8Array[] {
  const inside = borders.filter((border) => border < bytes.length).sort((a, b) => a - b)
  const cuts = [0, ...inside, bytes.length]
  return cuts.slice(1).map((end, index) => bytes.slice(cuts[index], end))
}
