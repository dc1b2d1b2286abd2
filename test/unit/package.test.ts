import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, posix } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createContext, Script } from 'node:vm'
import { build } from 'esbuild'
import { parseAst } from 'rollup/parseAst'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
// @ts-expect-error: a script without types of its own
import { WITH_REQUIRE } from '../../.ci/bindings.mjs'
import * as source from '../../src/index.ts'
import * as server from '../../src/server/index.ts'
import * as testing from '../../src/testing/index.ts'

const ROOT = join(import.meta.dirname, '../..')

/** What an entry of the package, or a condition of one, leads to. */
type Target = string | { readonly [condition: string]: Target }

interface Manifest {
  version: string
  main: string
  module: string
  types: string
  unpkg: string
  jsdelivr: string
  bin: Record<string, string>
  exports: Record<string, Target>
  dependencies?: Record<string, string>
}

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

const runNode = (...args: string[]) =>
  spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 30_000 })

const runTool = (name: string, ...args: string[]) => runNode(join(ROOT, 'node_modules/.bin', name), ...args)

/** The declaration or script, and all that it reaches. */
function reachedFrom(path: string, reached = new Set<string>()): Set<string> {
  if (reached.has(path)) return reached
  reached.add(path)
  const isDeclaration = /\.d\.c?ts$/.test(path)
  for (const [, specifier = ''] of read(path).matchAll(/(?:from|import) ?\(?['"](\.[^'"]+)['"]/g)) {
    const file = isDeclaration ? specifier.replace(/(c?)js$/, 'd.$1ts') : specifier
    reachedFrom(posix.join(dirname(path), file), reached)
  }
  return reached
}

/** All files that it leads to, by whatever condition. */
const filesOf = (target: Target): string[] =>
  typeof target === 'string' ? [target] : Object.values(target).flatMap(filesOf)

/** Where a condition of an entry leads to, and its types. */
const scriptOf = (entry: string, condition: string) =>
  (manifest.exports[entry] as Record<string, { types: string; default: string }>)[condition]

test('nothing that is shipped knows a storage', () => {
  const storages =
    /\b(localStorage|sessionStorage|indexedDB|getDirectory|caches\.\w+|document\.cookie|cookieStore)\b/
  for (const name of ['index.js', 'page.js', 'shared-event-source.js', 'hub.js', 'worker.js']) {
    expect(storages.exec(read(`dist/${name}`))?.[0], name).toBeUndefined()
  }
})

test('nothing that is shipped calls Array.from(), which libraries of pages replace', () => {
  // Prototype.js and MooTools know nothing of sets and maps there.
  for (const name of ['page.js', 'index.js', 'shared-event-source.js', 'hub.js', 'worker.js'])
    expect(read(`dist/${name}`), name).not.toMatch(/\bArray\.from\b/)
})

describe('the package', () => {
  let folder: string
  let tarball: string
  let files: string[]

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tabstream-package-'))
    const { stdout } = spawnSync('npm', ['pack', '--json', '--pack-destination', folder], {
      cwd: ROOT,
      encoding: 'utf8',
    })
    const [packed] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }]
    tarball = join(folder, packed.filename)
    files = packed.files.map(({ path }) => path)
  }, 60_000)

  afterAll(() => rmSync(folder, { recursive: true }))

  test('tells what it is, under which licence, and what has changed', () => {
    const besides = files.filter((path) => !path.startsWith('dist/'))
    expect(besides.sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'THIRD-PARTY-LICENSES',
      'package.json',
    ])
  })

  test.each([
    ['comlink', 'Comlink', 'Copyright 2019 Google LLC, Apache-2.0, changed', 'Unserializable return value'],
    ['eventsource-parser', 'eventsource-parser', 'Copyright Espen Hovlandsdal, MIT', 'invalid-retry'],
  ])(
    'says under which licence it contains %s, and each script where to read it',
    (name, title, words, mark) => {
      const { version } = JSON.parse(read(`node_modules/${name}/package.json`)) as { version: string }
      const notice = read('THIRD-PARTY-LICENSES')
      expect(notice).toContain(`${title} ${version}, https://github.com/`)
      expect(notice).toContain(read(`node_modules/${name}/LICENSE`).trim())
      const scripts = files.filter((file) => /\.c?js$/.test(file))
      const having = scripts.filter((path) => read(path).includes(mark))
      expect(having.length).toBeGreaterThan(1)
      for (const path of scripts) {
        const [banner = ''] = read(path)
          .replace(/^(?:"use client"|#!.*)\n/, '')
          .split('\n', 1)
        expect(banner, path).toMatch(
          /^\/\*! tabstream, MIT\..*See THIRD-PARTY-LICENSES in the package\. \*\/$/,
        )
        expect(banner.includes(`${title} (${words})`), path).toBe(having.includes(path))
      }
    },
  )

  test('says what has been changed', () => {
    expect(read('THIRD-PARTY-LICENSES')).toContain('Changed by tabstream: ')
  })

  test('holds what its exports name, what these reach, and nothing else', () => {
    const named = [...Object.values(manifest.exports).flatMap(filesOf), ...Object.values(manifest.bin)]
      .map((path) => path.replace('./', ''))
      .filter((path) => path.startsWith('dist/'))
    const reached = named.flatMap((path) => [...reachedFrom(path)])
    const intended = new Set([...named, ...reached])
    expect(files.filter((path) => path.startsWith('dist/')).sort()).toEqual([...intended].sort())
  })

  test('lets bundlers find the worker at one place, so that they copy it once', () => {
    const scripts = files.filter((file) => file.endsWith('.js'))
    const places = scripts.flatMap((path) =>
      [...read(path).matchAll(/new URL\((?:[^()]|\(\))*?import\.meta\.url\)/g)].map(
        ([text]) => `${path}: ${text}`,
      ),
    )
    expect(places.sort()).toEqual([
      // Only for apps that use it.
      "dist/durable.js: new URL('./durable-source.js', import.meta.url)",
      "dist/lines.js: new URL('./lines-source.js', import.meta.url)",
      "dist/page.js: new URL('./worker.js', import.meta.url)",
      // Only for apps that use them.
      "dist/topics.js: new URL('./topics-source.js', import.meta.url)",
      "dist/websocket.js: new URL('./websocket-source.js', import.meta.url)",
    ])
  })

  test('names the same entry for bundlers that know no exports', () => {
    const entry = scriptOf('.', 'default')
    expect([manifest.main, manifest.module, manifest.types]).toEqual([
      entry?.default,
      entry?.default,
      entry?.types,
    ])
  })

  test('gives bundlers its modules, by whatever call they are asked for', () => {
    // A file for `require()` beside them would be a second client in a page, and hides the worker from bundlers.
    for (const [name, target] of Object.entries(manifest.exports)) {
      if (typeof target === 'string' || target.require === undefined) continue
      const [first] = Object.keys(target)
      expect([name, first, target.module]).toEqual([name, 'module', scriptOf(name, 'default')?.default])
    }
  })

  test('names the classic script for networks that deliver packages', () => {
    const { default: script } = manifest.exports['./global'] as { default: string }
    expect([manifest.unpkg, manifest.jsdelivr]).toEqual([script, script])
  })

  test('has a command that runs by itself', () => {
    const { stdout, status } = runNode(join(ROOT, manifest.bin.tabstream ?? ''), '--version')
    expect([stdout, status]).toEqual([`${manifest.version}\n`, 0])
  })

  test('has nothing to install at run time', () => {
    expect(manifest.dependencies ?? {}).toEqual({})
  })

  test('satisfies publint', { timeout: 60_000 }, () => {
    const { stdout, status } = runTool('publint', 'run', tarball, '--strict')
    expect(stdout).toContain('All good!')
    expect(status).toBe(0)
  })

  test('has types that every ESM resolution finds', { timeout: 60_000 }, () => {
    const { stdout, status } = runTool(
      'attw',
      tarball,
      '--profile',
      'esm-only',
      '--no-color',
      '--format',
      'table',
    )
    expect(stdout).toContain('"tabstream/worker"')
    expect(status, stdout).toBe(0)
  })

  test('has types that CommonJS finds, but for what is made for modules alone', { timeout: 60_000 }, () => {
    const entries = Object.keys(manifest.exports).filter((name) => scriptOf(name, 'require') !== undefined)
    expect(entries).toEqual(['.', './react', './server', './solid', './testing', './vue'])
    const options = ['--profile', 'node16', '--no-color', '--format', 'table']
    const { stdout, status } = runTool('attw', tarball, ...options, '--entrypoints', ...entries)
    expect(stdout).toContain('node16 (from CJS)')
    expect(status, stdout).toBe(0)
  })
})

describe('an app', () => {
  let folder: string
  const app = (code: string) => ({ contents: code, resolveDir: folder })

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tabstream-app-'))
    mkdirSync(join(folder, 'node_modules'))
    symlinkSync(ROOT, join(folder, 'node_modules/tabstream'))
  })

  afterAll(() => rmSync(folder, { recursive: true }))

  test.each([
    ['tabstream/worker', /addEventListener\("connect"/],
    ['tabstream/global', /globalThis\.Tabstream ?=/],
  ])('that imports %s for its effect has it in its bundle', async (path, effect) => {
    const { outputFiles } = await build({
      stdin: app(`import '${path}'`),
      bundle: true,
      minifySyntax: true,
      write: false,
      logLevel: 'error',
    })
    expect(outputFiles[0]?.text).toMatch(effect)
  })

  test('that imports nothing of the rest has nothing of it', async () => {
    const { outputFiles } = await build({
      stdin: app(`import 'tabstream'`),
      bundle: true,
      write: false,
      logLevel: 'silent',
    })
    expect(outputFiles[0]?.text.length).toBeLessThan(100)
  })

  test('that imports only connect() has nothing of SharedEventSource', async () => {
    const { outputFiles } = await build({
      stdin: app(`export { connect } from 'tabstream'`),
      bundle: true,
      format: 'esm',
      write: false,
      logLevel: 'silent',
    })
    expect(outputFiles[0]?.text).toContain('no host is available')
    expect(outputFiles[0]?.text).not.toContain('extends EventTarget')
  })

  describe.each([
    { module: 'node16' },
    { module: 'nodenext' },
    { module: 'esnext', moduleResolution: 'bundler' },
  ])('in TypeScript, resolved as by $module', (resolution) => {
    const problemsOf = (code: string, lib: string[]): string => {
      const compilerOptions = {
        lib,
        target: 'es2022',
        strict: true,
        types: [],
        noEmit: true,
        skipLibCheck: false,
        ...resolution,
      }
      const write = (file: string, text: string) => writeFileSync(join(folder, file), text)
      write('package.json', '{ "type": "module" }')
      write('tsconfig.json', JSON.stringify({ compilerOptions, files: ['app.ts'] }))
      write('app.ts', code)
      return runTool('tsc', '--project', folder).stdout
    }

    test.each([{ lib: ['es2022', 'dom'] }, { lib: ['es2022', 'dom', 'dom.iterable', 'esnext.disposable'] }])(
      'compiles with the libraries $lib',
      { timeout: 60_000 },
      ({ lib }) => {
        const code = `import { connect, SharedEventSource } from 'tabstream'
import { mountInspector } from 'tabstream/inspector'
import { eventStream, memoryLog } from 'tabstream/server'
import { connect as connectInWorker } from 'tabstream/standalone'
import { mockStreams } from 'tabstream/testing'
import 'tabstream/worker'
import 'tabstream/global'
export const unmount: () => void = mountInspector()
connectInWorker('/events').on('cpu', ({ data }) => console.log(data.length))
mockStreams().at('/events').send('cpu', 1)
export const GET = (request: Request): Promise<Response> => eventStream(request, memoryLog(), { topics: ['a'] })
const source: EventSource = new SharedEventSource('/events')
source.addEventListener('cpu', ({ data }) => console.log(data))
const stream = connect('/events')
stream.on('cpu', ({ data }) => console.log(data))
export const end: () => void = () => stream.close()
`
        expect(problemsOf(code, lib)).toBe('')
      },
    )

    test('tells hooks, composables, primitives and classes what each event has', { timeout: 60_000 }, () => {
      const code = `import { defineStream, json, text } from 'tabstream'
import { useStream, useStreamFold, useStreamListener } from 'tabstream/react'
import { createStream } from 'tabstream/solid'
import { Fold, Latest } from 'tabstream/svelte'
import { useStream as useVue } from 'tabstream/vue'
const feed = defineStream('/events', { events: { cpu: json<{ load: number }>(), log: text } })
export const react: number | undefined = useStream(feed, 'cpu', (event) => event?.data.load)
export const fold: string[] = useStreamFold(feed, 'log', (all, { data }) => [...all, data], [] as string[])
useStreamListener(feed, 'cpu', ({ data }) => data.load.toFixed())
export const solid: number | undefined = createStream(() => feed, 'cpu')()?.data.load
export const svelte: number | undefined = new Latest(feed, 'cpu').current?.data.load
export const all: string[] = new Fold(feed, 'log', (lines, { data }) => [...lines, data], [] as string[]).current
export const vue: string | undefined = useVue(feed, 'log').value?.data
// @ts-expect-error: nothing of this name is sent
useStream(feed, 'disk')
// @ts-expect-error: data are numbers
export const wrong: string | undefined = useStream(feed, 'cpu', (event) => event?.data.load)
`
      expect(problemsOf(code, ['es2022', 'dom', 'dom.iterable'])).toBe('')
    })
  })
})

describe('require()', () => {
  const required = (name: string): Record<string, unknown> =>
    createRequire(import.meta.url)(join(ROOT, 'dist', name))

  test('gives what import gives', () => {
    expect(Object.keys(required('index.cjs')).sort()).toEqual(Object.keys(source).sort())
    expect(Object.keys(required('testing.cjs')).sort()).toEqual(Object.keys(testing).sort())
    expect(Object.keys(required('server.cjs')).sort()).toEqual(Object.keys(server).sort())
  })

  test.each(WITH_REQUIRE as string[])(
    'gives the binding for %s, without a client of its own',
    async (name) => {
      const binding = await import(pathToFileURL(join(ROOT, `dist/${name}.js`)).href)
      expect(Object.keys(required(`${name}.cjs`)).sort()).toEqual(Object.keys(binding).sort())
      expect(read(`dist/${name}.cjs`)).not.toContain('pageClient')
    },
  )

  test('puts the mock of either kind into the place of the client of either', async () => {
    const { mockStreams } = required('testing.cjs') as typeof testing
    const { connect } = (await import(pathToFileURL(join(ROOT, 'dist/index.js')).href)) as typeof source
    using streams = mockStreams()
    connect('/events')
    expect(streams.requests).toHaveLength(1)
  })
})

describe('dist/index.js', () => {
  const url = pathToFileURL(join(ROOT, 'dist/index.js')).href

  test('exports what the source exports', async () => {
    const built = await import(url)
    expect(Object.keys(built).sort()).toEqual(Object.keys(source).sort())
  })

  test('is imported by plain Node, where it does nothing', { timeout: 60_000 }, () => {
    const script = `
      const before = Reflect.ownKeys(globalThis).length
      const touched = []
      for (const name of ['fetch', 'setTimeout', 'setInterval', 'queueMicrotask']) {
        globalThis[name] = () => touched.push(name)
      }
      for (const name of ['MessageChannel', 'BroadcastChannel', 'AbortController']) {
        globalThis[name] = class { constructor() { touched.push(name) } }
      }
      await import(${JSON.stringify(url)})
      console.log(JSON.stringify({ touched, added: Reflect.ownKeys(globalThis).length - before }))
    `
    const { stdout, stderr, status } = runNode('--input-type=module', '--eval', script)
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
    expect(JSON.parse(stdout)).toEqual({ touched: [], added: 0 })
  })

  test('connects to nothing on a server, however new its Node: streams stay connecting', {
    timeout: 60_000,
  }, () => {
    const script = `
      const touched = []
      for (const name of ['fetch', 'setTimeout', 'setInterval']) globalThis[name] = () => touched.push(name)
      for (const name of ['MessageChannel', 'BroadcastChannel']) {
        globalThis[name] = class { constructor() { touched.push(name) } }
      }
      Object.defineProperty(globalThis, 'navigator', { value: { locks: { request: () => touched.push('locks') } } })
      const { connect, defineStream, inspect, SharedEventSource } = await import(${JSON.stringify(url)})
      const streams = [
        connect('https://dash.test/events'),
        connect('/events', { headers: () => touched.push('headers') }),
        connect(() => touched.push('url'), { key: 'me' }),
      ]
      for (const stream of streams) {
        stream.on('a', () => {})
        stream.events('b').next()
        stream.reconnect()
      }
      const feed = defineStream('/events', () => touched.push('options'))
      const seen = []
      feed.status.subscribe(({ state }) => seen.push(state))
      feed.latest('a', { initial: 'rendered' }).subscribe((event) => seen.push(event))
      feed.on('a', () => {})
      feed.once('a')
      feed.events('a').next()
      feed.reconnect()
      feed.end()
      const source = new SharedEventSource('/events')
      source.onmessage = () => {}
      const refusal = await inspect().catch(({ type }) => type)
      await new Promise((resolve) => setImmediate(resolve))
      const states = [...streams.map(({ status }) => status.state), source.readyState, refusal]
      streams[0].end()
      for (const one of [...streams, source]) one.close()
      console.log(JSON.stringify({ states, seen, touched }))
    `
    const { stdout, stderr, status } = runNode('--input-type=module', '--eval', script)
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
    expect(JSON.parse(stdout)).toEqual({
      states: ['connecting', 'connecting', 'connecting', 0, 'no-host'],
      seen: ['idle', 'rendered'],
      touched: [],
    })
  })

  test('imports nothing', () => {
    expect(topLevelTypes(read('dist/index.js'))).not.toContain('ImportDeclaration')
  })
})

test('dist/inspector.js is imported by plain Node, where it does nothing', { timeout: 60_000 }, () => {
  const url = pathToFileURL(join(ROOT, 'dist/inspector.js')).href
  const script = `
    const touched = []
    for (const name of ['fetch', 'setTimeout', 'setInterval']) globalThis[name] = () => touched.push(name)
    const { mountInspector } = await import(${JSON.stringify(url)})
    mountInspector()()
    console.log(JSON.stringify(touched))
  `
  const { stdout, stderr } = runNode('--input-type=module', '--eval', script)
  expect({ stdout, stderr }).toEqual({ stdout: '[]\n', stderr: '' })
})

test.each(['page.js', 'standalone.js', 'tabstream.global.js'])(
  'dist/%s runs no script when garbage is collected',
  (file) => {
    // In a page in the back/forward cache that would end its stay there.
    expect(read(`dist/${file}`)).not.toContain('FinalizationRegistry')
  },
)

test('dist/tabstream.global.js defines a global when it is imported, too', { timeout: 60_000 }, () => {
  const url = pathToFileURL(join(ROOT, 'dist/tabstream.global.js')).href
  const script = `await import(${JSON.stringify(url)}); console.log(typeof Tabstream.connect)`
  const { stdout, stderr } = runNode('--input-type=module', '--eval', script)
  expect({ stdout, stderr }).toEqual({ stdout: 'function\n', stderr: '' })
})

test('dist/tabstream.global.js defines what the module exports', () => {
  const globals = { URL, Event, EventTarget }
  const context = createContext({
    ...globals,
    document: { currentScript: null, baseURI: 'https://dash.test/' },
  })
  new Script(`${read('dist/tabstream.global.js')}\nvar names = Object.keys(Tabstream)`).runInContext(context)
  expect([...context.names].sort()).toEqual(Object.keys(source).sort())
})

test('dist/page.js tells bundlers to leave the import alone whose address only a run knows', () => {
  // Turbopack fails on it otherwise, and heeds a comment just behind the parenthesis only.
  const comments = ['@vite-ignore', 'webpackIgnore: true', 'turbopackIgnore: true']
  const [, found] = /\bimport\(((?:\/\*.*?\*\/ )+)`/.exec(read('dist/page.js')) ?? []
  expect(found).toBe(comments.map((comment) => `/* ${comment} */ `).join(''))
})

test('dist/page.js starts its worker by an expression that bundlers recognise, with or without its comment', () => {
  // Vite refuses a variable for the options where a minifier has taken the comment away, as in Angular's development server.
  expect(read('dist/page.js')).toMatch(
    /new SharedWorker\(new URL\('\.\/worker\.js', import\.meta\.url\),\s*\/\* @vite-ignore \*\/ \{[^(){}]*\}\)/,
  )
})

test('dist/server.js imports nothing, and exports what the source exports', async () => {
  expect(topLevelTypes(read('dist/server.js'))).not.toContain('ImportDeclaration')
  const built = await import(pathToFileURL(join(ROOT, 'dist/server.js')).href)
  expect(Object.keys(built).sort()).toEqual(Object.keys(server).sort())
})

describe('dist/standalone.js', () => {
  test('exports what the source exports', async () => {
    const built = await import(pathToFileURL(join(ROOT, 'dist/standalone.js')).href)
    expect(Object.keys(built).sort()).toEqual(Object.keys(source).sort())
  })

  test('loads nothing else, and names no worker that a bundler would take for one of the app', () => {
    const script = read('dist/standalone.js')
    const tree = JSON.stringify(parseAst(script))
    for (const type of ['ImportDeclaration', 'ImportExpression', 'MetaProperty'])
      expect(tree).not.toContain(`"${type}"`)
    expect(topLevelTypes(script)).not.toContain('ExportAllDeclaration')
  })
})

const topLevelTypes = (script: string): string[] => parseAst(script).body.map(({ type }) => type)

describe('dist/worker.js', () => {
  const script = read('dist/worker.js')

  test('is a classic script', () => {
    expect(() => new Script(script)).not.toThrow()
  })

  test('is a module, without imports and exports', () => {
    expect(topLevelTypes(script).filter((type) => /Import|Export/.test(type))).toEqual([])
  })

  test('loads nothing by itself, but the module of a source that a page names, of which bundlers are told nothing', () => {
    const imports = [...script.matchAll(/import\(.*?\)/g)].map(([text]) => text)
    expect(imports).toEqual([
      expect.stringMatching(
        /^import\(\/\* @vite-ignore \*\/ \/\* webpackIgnore: true \*\/ \/\* turbopackIgnore: true \*\/\s*`\$\{\w+\}`\)$/,
      ),
    ])
    expect(script).not.toContain('importScripts')
  })

  test('waits for tabs as a classic script', () => {
    const heard: string[] = []
    const worker = createContext({
      addEventListener: (type: string) => heard.push(type),
      crypto,
      performance,
      setTimeout: () => {},
      AbortController,
    })
    new Script(script).runInContext(worker)
    expect(heard).toEqual(['connect'])
  })

  test('waits for tabs as a module', { timeout: 60_000 }, () => {
    const url = pathToFileURL(join(ROOT, 'dist/worker.js')).href
    const { stdout, stderr } = runNode(
      '--input-type=module',
      '--eval',
      `globalThis.addEventListener = (type) => console.log(type); await import(${JSON.stringify(url)})`,
    )
    expect({ stdout, stderr }).toEqual({ stdout: 'connect\n', stderr: '' })
  })
})
