import { defineConfig } from 'vite'

export default defineConfig({
  base: 'https://cdn.example/',
})
