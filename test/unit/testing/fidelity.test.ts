import { afterEach, expect, test } from 'vitest'
import type { StreamStatus } from '../../../src/api/shared-stream.ts'
import type { MockStream } from '../../../src/testing/index.ts'
import { mockStreams } from '../../../src/testing/index.ts'
import { enter } from '../current-page.ts'
import { OPEN, Page, UpstreamWorld, URL_OF_EVENTS } from '../upstream.ts'

const { connect } = await import('../../../src/api/connect.ts')
const { defineStream } = await import('../../../src/api/define-stream.ts')
const { json, text } = await import('../../../src/api/decode.ts')
const { SharedEventSource } = await import('../../../src/api/shared-event-source.ts')

// A mock is good for as much as it is like what it stands for.

afterEach(() => mockStreams().restore())

interface Events {
  cpu: { load: number }
  log: string
}

const events = { cpu: json<Events['cpu']>(), log: text }

/** All that an app is told, by each way of listening. Where the hub lives, and when, is left out. */
function listen(): Record<string, unknown[]> {
  const told: Record<string, unknown[]> = {}
  const note = (who: string, ...what: unknown[]) => {
    const before = told[who] ?? []
    // A page learns in a further status where its hub lives.
    if (JSON.stringify(before.at(-1)) !== JSON.stringify(what)) told[who] = [...before, what]
  }
  const stream = connect(URL_OF_EVENTS, { events })
  const statusOf = ({
    state,
    attempt,
    retryAt,
    error,
    openedAt,
  }: Omit<StreamStatus, 'state'> & { state: string }) => [
    state,
    attempt,
    retryAt !== undefined,
    error?.status,
    error?.body,
    openedAt !== undefined,
  ]
  stream.onStatus((status) => note('status', ...statusOf(status)))
  stream.onGap((gap) => note('gap', gap))
  stream.on('cpu', (event) => note('cpu', event))
  stream.on('*', ({ name, id }) => note('*', name, id))
  const feed = defineStream(URL_OF_EVENTS, { events })
  feed.latest('cpu').subscribe((event) => note('latest', event))
  feed.fold('cpu', 0, (sum, { data }) => sum + data.load).subscribe((sum) => note('fold', sum))
  feed.status.subscribe((status) => note('lazy status', ...statusOf(status)))
  const source = new SharedEventSource(URL_OF_EVENTS)
  for (const type of ['open', 'error'])
    source.addEventListener(type, () => note('source', type, source.readyState))
  source.addEventListener('log', ({ data, lastEventId, origin }) => note('source', data, lastEventId, origin))
  return told
}

/** One who comes later, and is given what was there before. */
function listenLate(told: Record<string, unknown[]>): void {
  const late: Record<string, unknown[]> = { load: [], state: [], log: [] }
  Object.assign(told, { late })
  const feed = defineStream(URL_OF_EVENTS, { events })
  feed.latest('cpu').subscribe((event) => late.load?.push(event?.data.load))
  feed.status.subscribe(({ state }) => late.state?.push(state))
  connect(URL_OF_EVENTS, { events, replay: { log: 2 } }).on('log', ({ id }) => late.log?.push(id))
}

const block = (name: string, data: string, id: string) => `id: ${id}\nevent: ${name}\ndata: ${data}\n\n`

test('a page is told the same by the mock as by a hub and a server', async () => {
  const world = new UpstreamWorld()
  await world.clock.advance(1_000)
  enter(new Page(world, 'page').client)
  const byHub = listen()
  await world.clock.advance(OPEN)
  const write = async (...blocks: string[]) => {
    world.upstream.write(blocks.join(''))
    await world.clock.advance(1_100)
  }
  await write(block('cpu', '{"load":1}', '1'), block('cpu', '{"load":2}', '2'), block('log', 'a', '3'))
  listenLate(byHub)
  await world.clock.advance(OPEN)
  await write(block('log', 'b', '4'))
  world.upstream.answer = () => ({ text: block('log', 'b', '4') + block('log', 'c', '5') })
  world.upstream.cut()
  await world.clock.advance(5_000)
  world.upstream.answer = () => ({ status: 401, text: 'no', headers: { 'Content-Type': 'text/plain' } })
  world.upstream.cut()
  await world.clock.advance(30_000)

  const streams = mockStreams({ strict: false })
  enter((globalThis as never)[Symbol.for('tabstream')])
  const byMock = listen()
  const mock: MockStream = streams.at(URL_OF_EVENTS)
  mock.open()
  mock.batch(() => {
    mock.send('cpu', { load: 1 })
    mock.send('cpu', { load: 2 })
    mock.send('log', 'a')
  })
  listenLate(byMock)
  streams.flush()
  mock.send('log', 'b')
  mock.disconnect()
  mock.send('log', 'c')
  mock.disconnect()
  mock.fail({ status: 401, contentType: 'text/plain', body: 'no' })

  expect(Object.keys(byHub).length).toBe(8)
  expect(byMock).toEqual(byHub)
})
