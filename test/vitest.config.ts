import { join } from 'node:path'
import { compile, compileModule } from 'svelte/compiler'
import { defineConfig } from 'vitest/config'
// @ts-expect-error: a script without types of its own
import { comlinkForCalls } from '../.ci/comlink-cuts.mjs'

const installed = (path: string) => join(import.meta.dirname, '../node_modules', path)

/** Compiles the components of tests, and their modules with runes. */
const svelteFiles = () => ({
  name: 'svelte-files',
  transform(code: string, id: string) {
    if (id.endsWith('.svelte')) return compile(code, { filename: id, generate: 'client' }).js
    if (id.endsWith('.svelte.ts')) return compileModule(code, { filename: id, generate: 'client' }).js
    return null
  },
})

export default defineConfig({
  test: {
    root: import.meta.dirname,
    tags: [{ name: 'essential', description: 'Part of npm test, see ESSENTIAL in browser/stage.ts.' }],
    projects: [
      {
        // With Comlink as it is shipped.
        plugins: [comlinkForCalls(), svelteFiles()],
        resolve: {
          alias: [
            { find: 'comlink', replacement: installed('comlink/dist/esm/comlink.mjs') },
            { find: /^tabstream$/, replacement: join(import.meta.dirname, '../src/index.ts') },
            // As in a browser; under Node they are for rendering.
            { find: /^solid-js$/, replacement: installed('solid-js/dist/solid.js') },
            { find: /^solid-js\/web$/, replacement: installed('solid-js/web/dist/web.js') },
            { find: /^svelte$/, replacement: installed('svelte/src/index-client.js') },
            { find: /^svelte\/reactivity$/, replacement: installed('svelte/src/reactivity/index-client.js') },
          ],
        },
        test: {
          name: 'unit',
          include: ['unit/**/*.test.ts'],
          maxWorkers: '100%',
          // Some play hours of virtual time, which takes seconds of a busy machine.
          testTimeout: 30_000,
          server: { deps: { inline: [/comlink/, /solid-js/] } },
        },
      },
      { test: { name: 'sim', include: ['sim/**/*.test.ts'], maxWorkers: '100%' } },
      {
        test: {
          name: 'browser',
          include: ['browser/**/*.test.ts'],
          // Twenty tabs are enough work for one machine at a time.
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'servers',
          include: ['servers/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
