import { readFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import nodeResolve from '@rollup/plugin-node-resolve'
import terser from '@rollup/plugin-terser'

const entry = 'build/src/index.js'

/** Puts into the output folder the declarations that the entry's own declaration reaches, and no others. */
const declarations = () => ({
  name: 'declarations',
  generateBundle() {
    const root = resolve('build/src')
    const reached = new Set()
    const reach = (file) => {
      if (reached.has(file)) return
      reached.add(file)
      const source = readFileSync(file, 'utf8')
      for (const [, specifier] of source.matchAll(/(?:from|import) ?\(?'(\.[^']+)'/g)) {
        reach(resolve(dirname(file), specifier.replace(/\.[jt]s$/, '.d.ts')))
      }
      const fileName = relative(root, file)
      if (fileName.startsWith('..')) throw new Error(`public types reach ${file}`)
      this.emitFile({ type: 'asset', fileName, source: source.replace(/(from ?'\.[^']+)\.ts'/g, "$1.js'") })
    }
    reach(resolve(root, 'index.d.ts'))
  },
})

const declaration = (fileName, source) => ({
  name: 'declaration',
  generateBundle() {
    this.emitFile({ type: 'asset', fileName, source })
  },
})

/**
 * Comlink runs a callback when a remote has been collected as garbage. In a page in the back/forward cache that is script,
 * for which Chromium throws the page out. Links are closed without it.
 */
const comlinkWithoutFinalizers = () => ({
  name: 'comlink-without-finalizers',
  transform(code, file) {
    if (!file.endsWith('comlink.mjs')) return null
    const condition = '"FinalizationRegistry" in globalThis'
    if (!code.includes(condition)) this.error(`Comlink has changed: no ${condition}`)
    return { code: code.replace(condition, 'false'), map: null }
  },
})

/** Bundled so that nothing is left to install; their licences ask to be named. */
const banner = '/*! tabstream, MIT. Contains comlink (Apache-2.0) and eventsource-parser (MIT). */'

/** A second and a third pass make what the first has left smaller. */
const SMALL = { ecma: 2022, compress: { passes: 3 } }

/** The hub for pages without a SharedWorker is a file of its own, fetched when it is needed. */
const CHUNKS = { index: 'page.js', 'in-page': 'hub.js' }

export default [
  {
    input: entry,
    output: { dir: 'dist', chunkFileNames: ({ name }) => CHUNKS[name], format: 'es', banner },
    plugins: [nodeResolve(), comlinkWithoutFinalizers(), declarations()],
  },
  {
    input: 'build/worker/worker.js',
    output: { file: 'dist/worker.js', format: 'iife', banner },
    plugins: [
      nodeResolve(),
      comlinkWithoutFinalizers(),
      terser(SMALL),
      declaration('worker.d.ts', 'export {}\n'),
    ],
  },
  {
    input: entry,
    output: {
      file: 'dist/tabstream.global.js',
      format: 'iife',
      name: 'Tabstream',
      banner,
      inlineDynamicImports: true,
    },
    plugins: [
      nodeResolve(),
      comlinkWithoutFinalizers(),
      terser(SMALL),
      declaration(
        'tabstream.global.d.ts',
        "import type * as tabstream from './index.js'\n\ndeclare global {\n  var Tabstream: typeof tabstream\n}\n",
      ),
    ],
  },
]
