import { existsSync } from 'node:fs'
import { request as ask, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { expect, type TestContext, test } from 'vitest'
import { useBrowser } from '../browser/stage.ts'
import { freePort } from '../ports.mjs'
// @ts-expect-error: a script without types of its own
import { FRAMEWORKS } from './install-frameworks.mjs'
import { Program } from './program.ts'
import { publisher } from './publisher.ts'
import { Trial } from './trial.ts'

const stage = useBrowser()

/** What docs/servers says of them. None replays what came after `Last-Event-ID`. */
const CASES = [
  { framework: 'better-sse', accelerates: true, noTransform: true },
  { framework: 'express', accelerates: false, noTransform: false },
  { framework: 'fastify', accelerates: true, noTransform: false },
  { framework: 'hono', accelerates: false, noTransform: false },
  { framework: 'nest', accelerates: true, noTransform: true },
]

function needsFrameworks({ task, skip }: TestContext): void {
  if (existsSync(join(FRAMEWORKS, 'node_modules/@nestjs/core'))) return
  const why = "the frameworks are not installed: npm's registry could not be reached"
  task.meta.why = why
  skip(why)
}

/** Passes a request on, and whatever is answered. */
const passTo = (port: number) => (request: IncomingMessage, response: ServerResponse) => {
  const { headers } = request
  const asked = ask({ host: '127.0.0.1', port, path: '/events', headers, agent: false }, (answer) => {
    response.writeHead(answer.statusCode ?? 0, answer.headers).flushHeaders()
    answer.pipe(response)
  })
  asked.on('error', () => response.destroy())
  response.on('close', () => asked.destroy())
  asked.end()
}

for (const { framework, accelerates, noTransform } of CASES) {
  test(`${framework} as it comes, cut under load: a gap where something is missing`, async (context) => {
    needsFrameworks(context)
    const set = await stage()
    const [port, publishing] = [await freePort(), await freePort()]
    await Program.start('node', ['main.mjs', framework, String(port), String(publishing)], {
      ports: [port, publishing],
      folder: FRAMEWORKS,
    })
    const head = await fetch(`http://127.0.0.1:${port}/events`, { headers: { accept: 'text/event-stream' } })
    await head.body?.cancel()
    expect(head.headers.get('content-type')).toMatch(/^text\/event-stream/)
    expect(head.headers.get('x-accel-buffering') === 'no').toBe(accelerates)
    expect(/no-transform/.test(head.headers.get('cache-control') ?? '')).toBe(noTransform)

    const pass = passTo(port)
    const open = new Set<ServerResponse>()
    set.server.answer('/events/busy', (request, response) => {
      open.add(response)
      response.on('close', () => open.delete(response))
      pass(request, response)
    })
    const url = `http://127.0.0.1:${publishing}`
    const sender = publisher(({ data = '' }) => ({ url, body: data }))
    const trial = await Trial.begin(context, set, { sender })
    trial.feed.start()
    await trial.feed.more(100)
    await trial.isLive()
    for (const response of open) response.destroy()
    await trial.feed.more(100)
    await trial.isLive()
    await trial.conclude({ gaps: 1 })
  })
}
