import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import nodeResolve from '@rollup/plugin-node-resolve'
import { rollup } from 'rollup'
import { root } from '../../.ci/prepare.mjs'

const PAGES = join(import.meta.dirname, 'pages')
const page = (script) =>
  `<!doctype html><meta charset="utf-8"><title>bench</title><link rel="icon" href="data:,">
<script type="importmap">{"imports":{"tabstream":"/dist/index.js"}}</script>${script}`

/**
 * Makes the folder that the server serves: a copy of the build, so that a build during the run changes nothing, and the
 * pages with what they need of npm.
 */
export async function makeSite(dist = join(root, 'dist')) {
  const folder = mkdtempSync(join(tmpdir(), 'tabstream-bench-'))
  cpSync(dist, join(folder, 'dist'), { recursive: true })
  mkdirSync(join(folder, 'pages'))
  writeFileSync(join(folder, 'page.html'), page('<script type="module" src="/pages/main.js"></script>'))
  writeFileSync(join(folder, 'blank.html'), page(''))
  for (const file of readdirSync(PAGES)) {
    const bundle = await rollup({
      input: join(PAGES, file),
      external: (id) => id.startsWith('/dist/') || id.startsWith('./variant-'),
      plugins: [nodeResolve({ browser: true })],
    })
    const format = file.endsWith('-worker.js') ? 'iife' : 'es'
    await bundle.write({ file: join(folder, 'pages', file), format, inlineDynamicImports: true })
    await bundle.close()
  }
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
