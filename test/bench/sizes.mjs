import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import terser from '@rollup/plugin-terser'
import { rollup } from 'rollup'
import { BINDINGS } from '../../.ci/bindings.mjs'
import { root } from '../../.ci/prepare.mjs'

/** @typedef {{ minified: number, gzip: number, brotli: number }} Size in bytes */

/** What an app takes from the package; each is bundled by itself. */
const IMPORTS = ['SharedEventSource', 'connect', 'defineStream']

/** For whoever comes from VueUse, in place of the rest of the binding. */
const OF_ITS_OWN = 'useSharedEventSource'

/**
 * Sizes of what a page or a worker loads, each minified, and compressed by gzip at level 9 and by brotli at 11.
 * `hub.js`, which pages fetch only where they can have no SharedWorker, is not counted in a page's bundle, and what it
 * imports of `page.js` is not counted in `hub.js`.
 *
 * @param {string} [dist] folder of the build
 * @returns {Promise<Record<string, Size>>}
 */
export async function measureSizes(dist = join(root, 'dist')) {
  /** @type {Record<string, Size>} */
  const sizes = {}
  for (const name of IMPORTS) sizes[name] = sizeOf(await bundleOf(dist, name))
  Object.assign(sizes, await measureBindings(dist))
  sizes['worker.js'] = sizeOf(readFileSync(join(dist, 'worker.js')))
  sizes['hub.js'] = sizeOf(await minifiedChunk(join(dist, 'hub.js'), './page.js'))
  sizes['tabstream/topics'] = sizeOf(await bundleOf(dist, 'connectTopics', 'topics.js', isPage))
  sizes['topics-source.js'] = sizeOf(await minifiedChunk(join(dist, 'topics-source.js'), ''))
  sizes['tabstream/websocket'] = sizeOf(await bundleOf(dist, 'connectSocket', 'websocket.js', isPage))
  sizes['websocket-source.js'] = sizeOf(await minifiedChunk(join(dist, 'websocket-source.js'), ''))
  sizes['tabstream/durable'] = sizeOf(await bundleOf(dist, 'connectDurable', 'durable.js', isPage))
  sizes['durable-source.js'] = sizeOf(await minifiedChunk(join(dist, 'durable-source.js'), ''))
  sizes['tabstream/lines'] = sizeOf(await bundleOf(dist, 'connectLines', 'lines.js', isPage))
  sizes['lines-source.js'] = sizeOf(await minifiedChunk(join(dist, 'lines-source.js'), ''))
  const isElsewhere = (/** @type {string} */ id) => isPage(id) || id === './define-source.js'
  sizes['tabstream/source'] = sizeOf(await bundleOf(dist, 'connectSource', 'source.js', isElsewhere))
  sizes['define-source.js'] = sizeOf(await minifiedChunk(join(dist, 'define-source.js'), ''))
  sizes['tabstream/testing'] = sizeOf(await bundleOf(dist, 'mockStreams', 'testing.js'))
  sizes['tabstream/inspector'] = sizeOf(await bundleOf(dist, 'mountInspector', 'inspector.js'))
  for (const name of ['tabstream.global.js', 'standalone.js'])
    sizes[name] = sizeOf(readFileSync(join(dist, name)))
  return sizes
}

/**
 * Of each binding to a framework; neither the main entry is counted nor the framework.
 *
 * @param {string} [dist] folder of the build
 * @returns {Promise<Record<string, Size>>}
 */
export async function measureBindings(dist = join(root, 'dist')) {
  /** @type {Record<string, Size>} */
  const sizes = {}
  for (const name of BINDINGS) {
    const all = namesOf(readFileSync(join(dist, `${name}.js`), 'utf8'))
    const names = all.filter((one) => one !== OF_ITS_OWN)
    sizes[`tabstream/${name}`] = sizeOf(await bundleOf(dist, names.join(), `${name}.js`))
    if (names.length < all.length) sizes[OF_ITS_OWN] = sizeOf(await bundleOf(dist, OF_ITS_OWN, `${name}.js`))
  }
  return sizes
}

/** @param {Buffer} content @returns {Size} */
function sizeOf(content) {
  const brotli = brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } })
  return { minified: content.length, gzip: gzipSync(content, { level: 9 }).length, brotli: brotli.length }
}

/** What a module exports. @param {string} code */
const namesOf = (code) => /^export \{ (.*) \};$/m.exec(code)?.[1]?.split(', ') ?? []

/** What an app that takes `connect()` has already. @param {string} id */
const isPage = (id) => id === './page.js'

/**
 * @param {string} dist
 * @param {string} names
 * @param {string} [entry]
 * @param {(id: string) => boolean} [isBesides] what else is not counted
 */
function bundleOf(dist, names, entry = 'index.js', isBesides = () => false) {
  const app = 'app'
  const source = `export { ${names} } from ${JSON.stringify(join(dist, entry))}`
  const virtual = {
    name: app,
    resolveId: (id) => (id === app ? id : null),
    load: (id) => (id === app ? source : null),
  }
  // As package.json declares for bundlers.
  const isOther = (/** @type {string} */ id) =>
    id === './hub.js' || isBesides(id) || (entry !== 'index.js' && /^\w/.test(id) && id !== app)
  return minified(app, isOther, [virtual], { moduleSideEffects: false })
}

/** @param {string} file @param {string} other file that it imports and that is not counted */
const minifiedChunk = (file, other) => minified(file, (id) => id === other, [])

/**
 * @param {string} input
 * @param {(id: string) => boolean} isOther what it imports and is not counted
 * @param {import('rollup').Plugin[]} plugins
 * @param {import('rollup').RollupOptions['treeshake']} [treeshake]
 */
async function minified(input, isOther, plugins, treeshake = true) {
  const external = {
    name: 'external',
    // Absolute, so that the name stays as it is, whatever folder the build is in.
    resolveId: (id) => (isOther(id) ? { id, external: /** @type {const} */ ('absolute') } : null),
  }
  const bundle = await rollup({
    input,
    treeshake,
    plugins: [external, ...plugins],
    // It says that it leaves out what React calls a directive.
    onwarn: () => {},
  })
  const { output } = await bundle.generate({ format: 'es', plugins: [terser()] })
  await bundle.close()
  return Buffer.from(output[0].code)
}
