const common = { setupFilesAfterEnv: ['<rootDir>/setup.ts'] }

module.exports = {
  projects: [
    { ...common, displayName: 'jsdom', testEnvironment: 'jsdom' },
    { ...common, displayName: 'happy-dom', testEnvironment: '@happy-dom/jest-environment' },
    { ...common, displayName: 'node', testEnvironment: 'node', testMatch: ['<rootDir>/plain.test.ts'] },
  ],
}
