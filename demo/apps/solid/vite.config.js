import { defineConfig } from 'vite'
import solid from 'vite-plugin-solid'
import { feed } from '../feed.mjs'

export default defineConfig({ plugins: [solid(), feed()] })
