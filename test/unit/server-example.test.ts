import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EventSourceParserStream } from 'eventsource-parser/stream'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../ports.mjs'

// The server that docs/servers.md shows, as it stands there.

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/servers.md'), 'utf8')

/** Sends an event whenever it is asked for, so that no test waits for time. */
const MAIN = `
import { publish, server } from './server.mjs'
server.listen(Number(process.env.PORT), '127.0.0.1', () => process.send('listening'))
let count = 0
process.on('message', () => publish('n', String(++count)))
`

const exampleOf = (file: string): string =>
  PAGE.match(new RegExp(`\`\`\`js\\n// ${file}\\n([\\s\\S]*?)\`\`\``))?.[1] ?? ''

async function start(folder: string, port: number): Promise<ChildProcess> {
  const server = spawn(process.execPath, [join(folder, 'test.mjs')], {
    env: { ...process.env, PORT: String(port) },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  onTestFinished(() => void server.kill())
  await new Promise((resolve) => server.once('message', resolve))
  return server
}

async function open(port: number, lastEventId?: string) {
  const response = await fetch(`http://127.0.0.1:${port}/events`, {
    headers: lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId },
  })
  const reader = response.body
    ?.pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream())
    .getReader()
  return {
    response,
    next: async () => (await reader?.read())?.value,
    close: () => reader?.cancel(),
  }
}

test('the server of the documentation resumes, also when it was restarted', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tabstream-server-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'server.mjs'), exampleOf('server.mjs'))
  writeFileSync(join(folder, 'test.mjs'), MAIN)
  const port = await freePort()
  const server = await start(folder, port)

  const first = await open(port)
  expect(first.response.headers.get('content-type')).toBe('text/event-stream')
  expect(first.response.headers.get('x-accel-buffering')).toBe('no')
  for (let count = 0; count < 3; count++) server.send('publish')
  const one = await first.next()
  expect([one?.event, one?.data]).toEqual(['n', '1'])
  expect([(await first.next())?.data, (await first.next())?.data]).toEqual(['2', '3'])
  await first.close()

  const second = await open(port, one?.id)
  server.send('publish')
  expect([(await second.next())?.data, (await second.next())?.data]).toEqual(['2', '3'])
  expect((await second.next())?.data).toBe('4')
  await second.close()

  server.kill()
  await new Promise((resolve) => server.once('exit', resolve))
  const restarted = await start(folder, port)
  const third = await open(port, one?.id)
  restarted.send('publish')
  const again = await third.next()
  expect(again?.data).toBe('1')
  expect(again?.id).not.toBe(one?.id)
  await third.close()
})
