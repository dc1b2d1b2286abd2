// Tests that docs/testing.md shows are for Vitest, but for the set-up file.
const common = {
  setupFilesAfterEnv: ['<rootDir>/setup.ts'],
  testPathIgnorePatterns: ['/docs/', '/node_modules/'],
}

module.exports = {
  projects: [
    { ...common, displayName: 'jsdom', testEnvironment: 'jsdom' },
    {
      ...common,
      displayName: 'happy-dom',
      testEnvironment: '@happy-dom/jest-environment',
      // As jsdom's has it. Without it Solid would come as for a server.
      testEnvironmentOptions: { customExportConditions: ['browser'] },
    },
    {
      displayName: 'the set-up file of docs/testing.md',
      testEnvironment: 'jsdom',
      setupFilesAfterEnv: ['<rootDir>/docs/jest-setup.ts'],
      testMatch: ['<rootDir>/react.test.tsx'],
    },
    { ...common, displayName: 'node', testEnvironment: 'node', testMatch: ['<rootDir>/plain.test.ts'] },
  ],
}
