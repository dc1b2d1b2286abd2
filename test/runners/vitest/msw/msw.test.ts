import { sse } from 'msw'
import { setupServer } from 'msw/node'
import { connect, SharedEventSource } from 'tabstream'

interface Events {
  order: { id: number }
}

const requests: (string | null)[] = []

const server = setupServer(
  sse<Events>('http://shop.test/orders', ({ client, request }) => {
    requests.push(request.headers.get('authorization'))
    client.send({ event: 'order', id: '7', data: { id: 7 } })
  }),
)

beforeAll(() => server.listen({ onUnhandledRequest: 'error' }))
afterAll(() => server.close())

test('a handler of MSW serves a stream', async () => {
  const stream = connect('http://shop.test/orders', { headers: { Authorization: 'Bearer me' } })
  const { data, id } = await stream.once('order')
  expect([JSON.parse(data), id, stream.status.host]).toEqual([{ id: 7 }, '7', 'direct'])
  expect(requests).toEqual(['Bearer me'])
  stream.close()
})

test('a handler of MSW serves a source', async () => {
  const source = new SharedEventSource('http://shop.test/orders')
  const event = await new Promise<MessageEvent>((resolve) => source.addEventListener('order', resolve))
  expect(event.data).toBe('{"id":7}')
  source.close()
})
