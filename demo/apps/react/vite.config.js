import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { feed } from '../feed.mjs'

export default defineConfig({ plugins: [react(), feed()] })
