import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
// @ts-expect-error: a script without types of its own
import { comlinkForCalls } from '../.ci/comlink-cuts.mjs'

export default defineConfig({
  test: {
    root: import.meta.dirname,
    tags: [{ name: 'essential', description: 'Part of npm test, see ESSENTIAL in browser/stage.ts.' }],
    projects: [
      {
        // With Comlink as it is shipped.
        plugins: [comlinkForCalls()],
        resolve: {
          alias: {
            comlink: join(import.meta.dirname, '../node_modules/comlink/dist/esm/comlink.mjs'),
            tabstream: join(import.meta.dirname, '../src/index.ts'),
          },
        },
        test: {
          name: 'unit',
          include: ['unit/**/*.test.ts'],
          maxWorkers: '100%',
          server: { deps: { inline: [/comlink/] } },
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
    ],
  },
})
