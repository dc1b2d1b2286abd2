import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { beforeAll, describe, expect, type TestContext, test } from 'vitest'
import { useBrowser } from '../browser/stage.ts'
import { App } from './app.ts'
// @ts-expect-error: a script without types of its own
import { buildNext, compile, layOutDocumented } from './documented.mjs'
import { Trial } from './trial.ts'

// The servers of docs/servers that run in Node: two tabs in front of each, and the command that the pages end with.

const INSTALLING = 600_000

const COMMAND = join(import.meta.dirname, '../../dist/cli.js')

const stage = useBrowser()

let laidOut: { folder: string; why?: string }

/** Skips the test, and lets the table say why, where the packages could not be installed. */
function needsPackages({ task, skip }: TestContext): string {
  const { folder, why } = laidOut
  if (why === undefined) return folder
  task.meta.why = why
  return skip(why)
}

/** What `npx tabstream test` answers while the server has news. */
async function statusOfTest(url: string): Promise<{ status: number | null; output: string }> {
  const expected = ['--expect', 'resumes', '--expect', 'ids']
  const command = spawn(process.execPath, [COMMAND, 'test', `${url}/events`, ...expected])
  let output = ''
  for (const stream of [command.stdout, command.stderr])
    stream.on('data', (text) => {
      output += text
    })
  const status = await new Promise<number | null>((resolve) => command.once('close', resolve))
  return { status, output }
}

async function tryTwoTabs(context: TestContext, args: readonly string[]): Promise<void> {
  const set = await stage()
  const { server } = set
  const app = await App.start(args)
  server.answer('/events', app.relay())
  const connections = () => server.journal.filter((entry) => entry === 'GET /events').length
  const trial = await Trial.begin(context, set, {
    path: '/events',
    size: 2,
    pace: 20,
    sender: app,
    name: 'news',
    number: /"number":(\d+)/,
  })
  trial.feed.start()
  await trial.feed.more(50)
  expect(connections()).toBe(1)

  server.destroyConnections()
  await trial.isLive()
  const { status, output } = await statusOfTest(app.url)
  expect(status, output).toBe(0)
  trial.feed.stop()
  await trial.caughtUp()
  expect(connections()).toBe(2)

  await app.posted()
  await app.restart()
  trial.feed.start()
  await trial.isLive()
  // Its log was in memory: the new one knows no ID of before.
  await trial.conclude({ gaps: 1 })
}

describe('without Next.js', () => {
  beforeAll(async () => {
    laidOut = await layOutDocumented('node', ['node.md', 'express.md', 'node-frameworks.md'])
    await compile(laidOut.folder, 'nest.ts')
  }, INSTALLING)

  test.for([
    ['Node', 'server.mjs'],
    ['Express', 'express.mjs'],
    ['Hono', 'hono.mjs'],
    ['Fastify', 'fastify.mjs'],
    ['NestJS', 'nest.mjs'],
  ] as const)('%s', async ([, file], context) => {
    await tryTwoTabs(context, [join(needsPackages(context), file)])
  })
})

describe('with Next.js', () => {
  beforeAll(async () => {
    laidOut = await layOutDocumented('next', ['next.md'])
    if (laidOut.why === undefined) await buildNext(laidOut.folder)
  }, INSTALLING)

  test('next start', async (context) => {
    const folder = needsPackages(context)
    await tryTwoTabs(context, [join(folder, 'node_modules/next/dist/bin/next'), 'start', folder])
  })
})
