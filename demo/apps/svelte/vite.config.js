import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'
import { feed } from '../feed.mjs'

export default defineConfig({ plugins: [svelte(), feed()] })
