// What runs where a hub is, apart from what a page needs: dist/define-source.js.
export { defineSource } from './define-source.ts'
export { provideSources } from './provide-sources.ts'
