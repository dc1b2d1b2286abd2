import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    root: import.meta.dirname,
    tags: [{ name: 'essential', description: 'Part of npm test, see ESSENTIAL in browser/stage.ts.' }],
    projects: [
      { test: { name: 'unit', include: ['unit/**/*.test.ts'], maxWorkers: '100%' } },
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
