import { defineConfig } from 'vitest/config'

// Not a project of npm test: it needs three browsers.
export default defineConfig({
  test: {
    root: import.meta.dirname,
    globalSetup: './programs.ts',
    testTimeout: 90_000,
    hookTimeout: 90_000,
  },
})
