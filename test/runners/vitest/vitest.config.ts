import { svelte } from '@sveltejs/vite-plugin-svelte'
import { svelteTesting } from '@testing-library/svelte/vite'
import react from '@vitejs/plugin-react'
import vue from '@vitejs/plugin-vue'
import solid from 'vite-plugin-solid'
import { defineConfig } from 'vitest/config'

const plugins = {
  react: [react()],
  vue: [vue()],
  svelte: [svelte(), svelteTesting()],
  solid: [solid()],
  plain: [],
  msw: [],
}

const environments = ['jsdom', 'happy-dom']

/** Tests that docs/testing.md shows; those for MSW have a set-up file of their own. */
const shown = (name: string, include: string[], setupFile: string) =>
  environments.map((environment) => ({
    plugins: [react()],
    test: {
      name: `docs, ${name}, ${environment}`,
      environment,
      globals: true,
      include,
      setupFiles: [`docs/${setupFile}`],
    },
  }))

export default defineConfig({
  test: {
    projects: [
      ...shown('mocks', ['docs/{Orders,OrdersVue,connection,timers}.test.{ts,tsx}'], 'test-setup.ts'),
      ...shown('msw', ['docs/msw.test.ts'], 'msw-setup.ts'),
      ...Object.entries(plugins).flatMap(([name, plugins]) =>
        environments.map((environment) => ({
          plugins,
          test: {
            name: `${name}, ${environment}`,
            environment,
            globals: true,
            include: [`${name}/*.test.{ts,tsx}`],
            setupFiles: [`${name}/setup.ts`],
          },
        })),
      ),
    ],
  },
})
