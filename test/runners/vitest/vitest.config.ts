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

export default defineConfig({
  test: {
    projects: Object.entries(plugins).flatMap(([name, plugins]) =>
      ['jsdom', 'happy-dom'].map((environment) => ({
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
  },
})
