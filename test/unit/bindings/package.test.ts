import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { parseAst } from 'rollup/parseAst'
import { describe, expect, test } from 'vitest'
// @ts-expect-error: a script without types of its own
import { BINDINGS } from '../../../.ci/bindings.mjs'

const ROOT = join(import.meta.dirname, '../../..')
const NAMES = BINDINGS as string[]

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

test.each(['react.js', 'react.cjs'])(
  'React is told by the first line of dist/%s that hooks are for clients',
  (name) => {
    expect(read(`dist/${name}`)).toMatch(/^"use client"\n/)
  },
)

test.each(NAMES)('tabstream/%s imports the main entry and its framework, and no file', (name) => {
  const imported = parseAst(read(`dist/${name}.js`)).body.flatMap((node) =>
    node.type === 'ImportDeclaration' ? [String(node.source.value).split('/')[0]] : [],
  )
  const framework = name === 'solid' ? 'solid-js' : name
  expect(new Set([...imported, 'tabstream'])).toEqual(new Set([framework, 'tabstream']))
})

test('the frameworks may be missing where their binding is not used', () => {
  const { peerDependencies, peerDependenciesMeta } = JSON.parse(read('package.json'))
  expect(Object.keys(peerDependencies)).toHaveLength(NAMES.length)
  for (const name of Object.keys(peerDependencies))
    expect(peerDependenciesMeta[name].optional, name).toBe(true)
})

test('all entries of the package share one client', async () => {
  const lines = NAMES.map((name) => `export * as ${name} from 'tabstream/${name}'`)
  const { outputFiles } = await build({
    stdin: { contents: ["export * from 'tabstream'", ...lines].join('\n'), resolveDir: ROOT },
    external: ['react', 'vue', 'svelte', 'solid-js'],
    bundle: true,
    format: 'esm',
    write: false,
    logLevel: 'error',
  })
  const text = outputFiles[0]?.text ?? ''
  expect(text.match(/function pageClient\d*\(/g)).toHaveLength(1)
})

/** What a server that has the package renders by this script, and whether it has connected to anything. */
function rendered(script: string): { html: string; touched: string[] } {
  const whole = `
    const touched = []
    globalThis.fetch = () => touched.push('fetch')
    const { defineStream, json } = await import('tabstream')
    const feed = defineStream('/events', () => {
      touched.push('options')
      return { events: { cpu: json() } }
    })
    ${script}
    // Nothing keeps the process, so it ends when all has been done that was begun.
    process.on('exit', () => console.log(JSON.stringify({ html, touched })))
  `
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', whole], {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: 30_000,
  })
  expect(stderr).toBe('')
  return JSON.parse(stdout)
}

describe('a server renders what is initial, is idle, and connects to nothing', () => {
  const expected = { html: 'none 7 idle', touched: [] }

  test('with React', { timeout: 60_000 }, () => {
    expect(
      rendered(`
        const { createElement } = await import('react')
        const { renderToString } = await import('react-dom/server')
        const { useStream, useStreamFold, useStreamListener, useStreamStatus } = await import('tabstream/react')
        const html = renderToString(createElement(() => {
          useStreamListener(feed, 'cpu', () => {})
          const count = useStreamFold(feed, 'cpu', (sum) => sum + 1, 7)
          return \`\${useStream(feed, 'cpu')?.data ?? 'none'} \${count} \${useStreamStatus(feed).state}\`
        }))
      `),
    ).toEqual(expected)
  })

  test('with Vue', { timeout: 60_000 }, () => {
    expect(
      rendered(`
        const { createSSRApp, h } = await import('vue')
        const { renderToString } = await import('vue/server-renderer')
        const { useSharedEventSource, useStream, useStreamFold, useStreamListener, useStreamStatus } =
          await import('tabstream/vue')
        const html = await renderToString(createSSRApp({
          setup() {
            const { eventSource } = useSharedEventSource('/events')
            if (eventSource.value !== null) touched.push('source')
            useStreamListener(feed, 'cpu', () => {})
            const cpu = useStream(feed, 'cpu')
            const count = useStreamFold(feed, 'cpu', (sum) => sum + 1, 7)
            const status = useStreamStatus(feed)
            return () => \`\${cpu.value?.data ?? 'none'} \${count.value} \${status.value.state}\`
          },
        }))
      `),
    ).toEqual(expected)
  })

  test('with Svelte', { timeout: 60_000 }, () => {
    expect(
      rendered(`
        const { render } = await import('svelte/server')
        const { Fold, Latest, Status } = await import('tabstream/svelte')
        const cpu = new Latest(feed, 'cpu')
        const count = new Fold(feed, 'cpu', (sum) => sum + 1, 7)
        const status = new Status(() => feed)
        // As its compiler writes a component.
        const html = render((renderer) => {
          renderer.push(\`\${cpu.current?.data ?? 'none'} \${count.current} \${status.current.state}\`)
        }).body.replace(/<!--.*?-->/g, '')
      `),
    ).toEqual(expected)
  })

  test('with Solid', { timeout: 60_000 }, () => {
    expect(
      rendered(`
        const { renderToString } = await import('solid-js/web')
        const { createStream, createStreamFold, createStreamListener, createStreamStatus } =
          await import('tabstream/solid')
        const html = renderToString(() => {
          createStreamListener(() => feed, 'cpu', () => {})
          const cpu = createStream(() => feed, 'cpu')
          const count = createStreamFold(() => feed, 'cpu', (sum) => sum + 1, 7)
          const status = createStreamStatus(() => feed)
          return \`\${cpu()?.data ?? 'none'} \${count()} \${status().state}\`
        })
      `),
    ).toEqual(expected)
  })
})
