import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'
import { feed } from '../feed.mjs'

export default defineConfig({ plugins: [vue(), feed()] })
