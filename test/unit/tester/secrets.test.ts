import { createServer } from 'node:http'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type Finishing, listen } from './scripted.ts'
import { type Ran, tabstream } from './tool.ts'

// A busy machine takes its time.
vi.setConfig({ testTimeout: 20_000 })

const TOKEN = 'token-in-the-url-q7'
const BEARER = 'bearer-in-a-header-w8'
const API_KEY = 'api-key-in-a-header-e9'
const PASSWORD = 'password/in+basic=r1'
const COOKIE = 'cookie-of-the-user-t2'
const BODY = 'secret-in-the-body-z3'
const SET_COOKIE = 'cookie-of-the-server-u4'
const TICKET = 'ticket-in-a-redirect-i5'

const BASIC = Buffer.from(`someone:${PASSWORD}`).toString('base64')

/** Those that go along with each request of these tests. */
const SENT = [TOKEN, BEARER, API_KEY, PASSWORD, COOKIE]

const ARGUMENTS = [
  '--header',
  `authorization: Bearer ${BEARER}`,
  '--header',
  `x-api-key: ${API_KEY}`,
  '--header',
  `proxy-authorization: Basic ${BASIC}`,
  '--cookie',
  `session=${COOKIE}; theme=dark`,
  '--duration',
  '1s',
]

/** A server that says all that it was told again, wherever it can. It answers with its URL, which has a token. */
async function parrot(test: Finishing, contentType = 'text/event-stream'): Promise<string> {
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const more of request) body += more
    const words = [request.url, JSON.stringify(request.headers), body, ...SENT, SET_COOKIE].join(' ')
    response.writeHead(200, {
      'content-type': contentType,
      'set-cookie': [`sid=${SET_COOKIE}; HttpOnly`],
      'x-echo': encodeURI(words),
      link: `</next?ticket=${TICKET}>; rel=next`,
    })
    response.write(`id: ${words}\nevent: ${words}\ndata: ${words}\n\n: ${words}\n\nnonsense: ${words}\n\n`)
    // No chunk has a whole one.
    for (const secret of [...SENT, SET_COOKIE]) {
      response.write(`data: ${secret.slice(0, 9)}`)
      await new Promise((resolve) => setTimeout(resolve, 5))
      response.write(`${secret.slice(9)}\n\n`)
    }
    // Where shown texts and kept ones are cut.
    for (const length of [55, 4_078]) response.write(`data: ${'x'.repeat(length)}${TOKEN}\n\n`)
    response.end()
  })
  return `${await listen(test, server)}?token=${TOKEN}&topic=weather`
}

/** Nor the beginning of one, nor its end, nor an encoded one. */
function expectNone(secrets: readonly string[], { text, errors }: Ran): void {
  for (const secret of secrets) {
    for (const form of [secret, encodeURIComponent(secret), secret.slice(0, 9), secret.slice(9)])
      expect(text + errors).not.toContain(form)
  }
  expect(text).not.toContain(BASIC)
}

describe('no secret is shown', () => {
  test.each([
    ['as text', [], SENT],
    ['as text with the bytes', ['--raw'], SENT],
    ['as JSON', ['--json'], SENT],
    ['of a body', ['--json', '--body', JSON.stringify({ prompt: { password: BODY } })], [...SENT, BODY]],
    ['of a form', ['--raw', '--body', `user=someone&password=${BODY}`], [...SENT, BODY]],
    ['as a command', ['--copy-as', 'curl'], SENT],
    ['as code', ['--copy-as', 'connect', '--body', BODY], [...SENT, BODY]],
    ['as code of the platform', ['--copy-as', 'eventsource'], SENT],
  ])('%s', async (_, args, secrets) => {
    const ran = await tabstream('test', await parrot({ onTestFinished }), ...ARGUMENTS, ...args)
    expectNone([...secrets, SET_COOKIE, TICKET], ran)
    expect(ran.text).toContain('topic=weather')
    expect(ran.text).toContain('***')
  })

  test('of what is no stream', async () => {
    const url = await parrot({ onTestFinished }, 'text/html')
    const ran = await tabstream('test', url, ...ARGUMENTS)
    expect(ran.text).toContain('No stream: the server answered with content type "text/html": id: ')
    expectNone([...SENT, SET_COOKIE, TICKET], ran)
  })

  test('of a redirect', async () => {
    const server = createServer((request, response) => {
      if (request.url === '/events') response.writeHead(307, { location: `/stream?ticket=${TICKET}` }).end()
      else response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`data: ${TICKET}\n\n`)
    })
    const ran = await tabstream('test', await listen({ onTestFinished }, server), '--duration', '1s', '--raw')
    expect(ran.text).toMatch(/307 to http:\/\/127\.0\.0\.1:\d+\/stream\?ticket=\*\*\*/)
    expectNone([TICKET], ran)
  })

  test('of a wrong command', async () => {
    const wrong = await Promise.all([
      tabstream('test', `dash.test?token=${TOKEN}`),
      tabstream('test', `ftp://${PASSWORD}@dash.test?token=${TOKEN}`),
      tabstream('test', 'http://dash.test', '--header', `authorization ${BEARER}`),
      tabstream('test', 'http://dash.test', '--header', `authorization: ${BEARER}\nx`),
      tabstream('test', 'http://dash.test', '--cookie', `${COOKIE}\u0000`),
      tabstream('test', 'http://dash.test', `--authorization=${BEARER}`),
    ])
    for (const ran of wrong) expectNone([TOKEN, BEARER, PASSWORD, COOKIE], ran)
    expect(wrong.map(({ status }) => status)).toEqual([2, 2, 2, 2, 2, 2])
  })
})

test('secrets are shown where that is asked for', async () => {
  const url = await parrot({ onTestFinished })
  const { text } = await tabstream('test', url, ...ARGUMENTS, '--show-secrets', '--raw')
  for (const secret of [...SENT.filter((one) => one !== PASSWORD), SET_COOKIE, TICKET, BASIC])
    expect(text).toContain(secret)
})
