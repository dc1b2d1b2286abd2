import { readFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import nodeResolve from '@rollup/plugin-node-resolve'
import terser from '@rollup/plugin-terser'
import { minify } from 'terser'
import { BINDINGS, WITH_REQUIRE } from './.ci/bindings.mjs'
import { comlinkForCalls } from './.ci/comlink-cuts.mjs'
import { internalNames } from './.ci/internal-names.mjs'
import { numberedPrivateNames, numberPrivateNames } from './.ci/private-names.mjs'

const entry = 'build/src/index.js'

/**
 * Puts into the output folder the declarations that the entry's own declaration reaches, and no others. Scripts of CommonJS need
 * declarations of their own, in the same words.
 *
 * @param {string} main
 * @param {'js' | 'cjs'} [extension] of the scripts that they are about
 */
const declarations = (main, extension = 'js') => ({
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
      this.emitFile({
        type: 'asset',
        fileName: fileName.replace(/ts$/, extension.replace('js', 'ts')),
        source: source.replace(/(from ?'\.[^']+)\.ts'/g, `$1.${extension}'`),
      })
    }
    reach(resolve(root, main))
  },
})

const declaration = (fileName, source) => ({
  name: 'declaration',
  generateBundle() {
    this.emitFile({ type: 'asset', fileName, source })
  },
})

/** Of a binding, whose types reach the main entry by its name. */
const declarationOf = (name, fileName) => ({
  name: 'declaration-of',
  generateBundle() {
    const source = readFileSync(`build/src/${name}/index.d.ts`, 'utf8')
    if (/from ?'\./.test(source)) throw new Error(`types of ${name} reach another file`)
    this.emitFile({ type: 'asset', fileName, source })
  },
})

/**
 * Takes out what TypeScript calls to make `.js` of the end of a path that only a run knows. Here there is one such path, of a
 * file of the build.
 */
const pathsAsTheyAre = () => ({
  name: 'paths-as-they-are',
  /** @param {string} code */
  transform(code) {
    if (!code.startsWith('var __rewriteRelativeImportExtension =')) return null
    const [, rest] = code.split(/\n\};\n(.*)/s)
    // Without the parentheses: Turbopack looks for comments just behind those of `import()`.
    return { code: rest.replace(/\b__rewriteRelativeImportExtension\((.*?)\)(?=\))/g, '$1'), map: null }
  },
})

/**
 * Bundled so that nothing is left to install; their licences ask to be named, and that changes are said.
 *
 * @param {{ modules: object }} script
 */
const banner = ({ modules }) => {
  const has = (name) => Object.keys(modules).some((path) => path.includes(`/node_modules/${name}/`))
  const parts = [
    has('comlink') && 'Comlink (Copyright 2019 Google LLC, Apache-2.0, changed)',
    has('eventsource-parser') && 'eventsource-parser (Copyright Espen Hovlandsdal, MIT)',
  ].filter(Boolean)
  const contents = parts.length > 0 ? ` Contains ${parts.join(' and ')}.` : ''
  return `/*! tabstream, MIT.${contents} See THIRD-PARTY-LICENSES in the package. */`
}

/**
 * A second and a third pass make what the first has left smaller. Names that only the hub's own code knows are shortened.
 * Anew for each file, because terser writes into its options.
 */
const small = () => ({
  ecma: 2022,
  compress: { passes: 3 },
  mangle: { properties: { regex: new RegExp(`^(?:${internalNames().join('|')})$`) } },
  // What bundlers are told of an import whose path only a run knows, and licences.
  format: { comments: /Ignore|@vite-ignore|^!/ },
})

/** Only the hub's file: who reads `page.js` finds it as it was compiled. */
const minifiedHub = () => ({
  name: 'minified-hub',
  /** @param {string} code @param {import('rollup').RenderedChunk} chunk */
  renderChunk: async (code, { name }) =>
    name === 'in-page'
      ? ((await minify(numberPrivateNames(code), { ...small(), module: true })).code ?? null)
      : null,
})

/** What makes a hub's source of an app's code, and provides it. @param {string} id */
const forHubs = (id) => id.endsWith('/source/for-hubs.js')

/**
 * `SharedEventSource` is a file of its own, because its module does more than declare: a bundler can leave out the file, but not
 * the class. The hub for pages without a SharedWorker is one that is fetched when it is needed. `page.js` holds the rest.
 *
 * @type {import('rollup').RollupOptions}
 */
const modules = {
  input: {
    index: entry,
    'shared-event-source': 'build/src/api/shared-event-source.js',
    topics: 'build/src/topics/index.js',
    websocket: 'build/src/websocket/index.js',
    lines: 'build/src/lines/index.js',
    durable: 'build/src/durable/index.js',
    source: 'build/src/source/index.js',
  },
  // Built by itself, since it is for hubs: nothing of it is to be in a file that pages and hubs share.
  external: forHubs,
  output: {
    paths: (id) => (forHubs(id) ? './define-source.js' : id),
    dir: 'dist',
    manualChunks: {
      page: [
        'build/src/api/connect.js',
        'build/src/api/define-stream.js',
        'build/src/api/disturb.js',
        'build/src/api/inspect.js',
      ],
    },
    chunkFileNames: ({ name }) => (name === 'in-page' ? 'hub.js' : `${name}.js`),
    format: 'es',
    banner,
  },
  plugins: [
    nodeResolve(),
    pathsAsTheyAre(),
    comlinkForCalls(),
    minifiedHub(),
    declarations('index.d.ts'),
    declarations('topics/index.d.ts'),
    declarations('websocket/index.d.ts'),
    declarations('lines/index.d.ts'),
    declarations('durable/index.d.ts'),
    declarations('source/index.d.ts'),
  ],
}

/** What must come first in a file. Rollup leaves it out. */
const DIRECTIVES = { react: '"use client"\n' }

/**
 * A binding to a framework, of which the app has both sides already: the main entry by its name, so that a page has one client,
 * and the framework.
 *
 * @param {string} name
 * @param {'js' | 'cjs'} [extension]
 * @returns {import('rollup').RollupOptions}
 */
const binding = (name, extension = 'js') => ({
  input: `build/src/${name}/index.js`,
  external: /^[^./]/,
  output: {
    file: `dist/${name}.${extension}`,
    format: extension === 'js' ? 'es' : 'cjs',
    banner: (chunk) => (DIRECTIVES[name] ?? '') + banner(chunk),
  },
  plugins: [declarationOf(name, `${name}.d.${extension.replace('js', 'ts')}`)],
})

/**
 * Everything in one file, which loads nothing: for contexts that cannot import at run time, such as a worker that a bundler makes
 * a classic script of, or an extension's service worker. None of them has a SharedWorker, so no address is looked for that a
 * bundler would take for a worker of the app.
 *
 * @type {import('rollup').RollupOptions}
 */
const standalone = {
  input: entry,
  output: { file: 'dist/standalone.js', format: 'es', banner, inlineDynamicImports: true },
  plugins: [
    nodeResolve(),
    pathsAsTheyAre(),
    comlinkForCalls(),
    {
      name: 'nothing-to-load',
      resolveImportMeta: () => 'location.href',
      // Of a file that could not be fetched.
      renderDynamicImport: ({ targetModuleId }) =>
        targetModuleId === null ? { left: 'Promise.reject(', right: ')' } : null,
    },
    numberedPrivateNames(),
    terser({ ...small(), module: true }),
    declaration('standalone.d.ts', "export * from './index.js'\n"),
  ],
}

/**
 * The streams of tests. It needs nothing of the main entry, which finds it by a global symbol.
 *
 * @param {'js' | 'cjs'} extension
 * @returns {import('rollup').RollupOptions}
 */
const testing = (extension) => ({
  input: 'build/src/testing/index.js',
  output: { file: `dist/testing.${extension}`, format: extension === 'js' ? 'es' : 'cjs', banner },
  plugins: [declarations('testing/index.d.ts', extension)],
})

/** Takes the space out of the inspector's style sheet, which no minifier of scripts sees. */
const tightStyles = () => ({
  name: 'tight-styles',
  /** @param {string} code @param {string} id */
  transform: (code, id) =>
    id.endsWith('inspector/styles.js')
      ? {
          code: code.replace(/`[^`]*`/g, (text) =>
            text.replace(/\s*([\n{};,>])\s*|(?<=:)\s+/g, (_, sign = '') => sign.trim()),
          ),
          map: null,
        }
      : null,
})

/**
 * The panel in the page. It has the page's client by the name of the main entry.
 *
 * @type {import('rollup').RollupOptions}
 */
const inspector = {
  input: 'build/src/inspector/index.js',
  external: 'tabstream',
  output: { file: 'dist/inspector.js', format: 'es', banner },
  plugins: [tightStyles(), declarations('inspector/index.d.ts')],
}

/**
 * For servers. It shares nothing with the other entries.
 *
 * @param {'js' | 'cjs'} extension
 * @returns {import('rollup').RollupOptions}
 */
const server = (extension) => ({
  input: 'build/src/server/index.js',
  output: { file: `dist/server.${extension}`, format: extension === 'js' ? 'es' : 'cjs', banner },
  plugins: [declarations('server/index.d.ts', extension)],
})

/**
 * For `require()` where nothing bundles: Jest, and servers. Everything in one file, because nothing is left out there.
 *
 * @type {import('rollup').RollupOptions}
 */
const commonJs = {
  input: entry,
  output: { file: 'dist/index.cjs', format: 'cjs', banner, inlineDynamicImports: true },
  plugins: [
    nodeResolve(),
    pathsAsTheyAre(),
    comlinkForCalls(),
    numberedPrivateNames(),
    terser(small()),
    declarations('index.d.ts', 'cjs'),
  ],
}

/**
 * The command, for Node. The shebang makes it one on its own.
 *
 * @type {import('rollup').RollupOptions}
 */
const command = {
  input: 'build/src/tester/cli.js',
  external: /^node:/,
  output: { file: 'dist/cli.js', format: 'es', banner: (chunk) => `#!/usr/bin/env node\n${banner(chunk)}` },
  plugins: [nodeResolve()],
}

/**
 * What hubs fetch to speak something else than Server-Sent Events. As it was compiled, with its comments: Vite would put a file of less
 * than 4 kB into a `data:` URL, which no hub runs.
 *
 * @param {string} name
 * @param {string} [file] in the room of sources
 * @returns {import('rollup').RollupOptions}
 */
const fetchedSource = (name, file = name) => ({
  input: `build/worker/source/${file}.js`,
  output: { file: `dist/${name}-source.js`, format: 'es', banner },
  plugins: [declaration(`${name}-source.d.ts`, 'export {}\n')],
})

/**
 * What modules of apps that hubs fetch are made with.
 *
 * @type {import('rollup').RollupOptions}
 */
const definition = {
  input: 'build/src/source/for-hubs.js',
  output: { file: 'dist/define-source.js', format: 'es', banner },
}

export default [
  modules,
  fetchedSource('durable'),
  fetchedSource('lines', 'line-stream'),
  fetchedSource('topics'),
  fetchedSource('websocket'),
  definition,
  standalone,
  ...BINDINGS.map((name) => binding(name)),
  testing('js'),
  command,
  server('js'),
  inspector,
  commonJs,
  ...WITH_REQUIRE.map((name) => binding(name, 'cjs')),
  testing('cjs'),
  server('cjs'),
  {
    input: 'build/worker/worker.js',
    output: { file: 'dist/worker.js', format: 'iife', banner },
    plugins: [
      nodeResolve(),
      pathsAsTheyAre(),
      comlinkForCalls(),
      numberedPrivateNames(),
      terser(small()),
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
      // As a module, the script has variables of its own.
      footer: 'globalThis.Tabstream=Tabstream;',
      inlineDynamicImports: true,
    },
    plugins: [
      nodeResolve(),
      pathsAsTheyAre(),
      comlinkForCalls(),
      numberedPrivateNames(),
      terser(small()),
      declaration(
        'tabstream.global.d.ts',
        "import type * as tabstream from './index.js'\n\ndeclare global {\n  var Tabstream: typeof tabstream\n}\n",
      ),
    ],
  },
]
