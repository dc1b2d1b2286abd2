import { join } from 'node:path'
import { exampleOf, lookAtExample } from './examples.mjs'
import { lookAtExtension } from './extension.mjs'
import { lookAtHotReload } from './hot.mjs'
import { lookAtSlots } from './slots.mjs'
import { lookAtSources } from './tabs.mjs'

/**
 * What an app is made of, and how its tabs must find it.
 *
 * @typedef {object} Consumer
 * @property {string} name
 * @property {string} [tool] package whose version is told; without, it is the browser's
 * @property {readonly string[]} [from] folders and files of `apps`, laid one over the other; otherwise the one of its name
 * @property {string} [node] version of Node that the tool needs, where it is a newer one
 * @property {boolean} [isQuick] part of the quick run
 * @property {readonly Mode[]} modes
 */

/**
 * @typedef {object} App
 * @property {string} name
 * @property {string} [build] command that comes first
 * @property {(port: number) => string} [serve] command of the app's own server
 * @property {(by: { folder: string, made: { folder: string } }) => string[]} [folders] what is served where the app has no server
 * @property {import('./site.mjs').SiteOptions} [site] how they are served
 * @property {(by: { folder: string, made: { folder: string } }) => string[]} [onCdn] what another origin serves, `https://cdn.example` in
 *   the app's files
 * @property {(by: any) => Promise<import('./tabs.mjs').Sight>} [run] in place of all this
 */

/** @typedef {App & import('./tabs.mjs').Expected} Mode */

const HOST = 'shared-worker'

/** For tools that ask for a newer Node than the package does. */
const NODE = '24.21.0'

/** @param {string} command @returns {Mode} */
const development = (command) => ({
  name: 'development',
  serve: (port) => `${command} ${port}`,
  host: HOST,
  takesHost: true,
})

/** @param {string} command @param {...string} folders @returns {Mode} */
const production = (command, ...folders) => ({
  name: 'production',
  build: command,
  folders: within(...folders),
  host: HOST,
  takesHost: true,
})

/** @param {...string} names @returns {(by: { folder: string }) => string[]} */
const within =
  (...names) =>
  ({ folder }) =>
    names.map((name) => join(folder, name))

/** The app's folder, and `/tabstream/` with what the package has in `dist`. @param {{ folder: string, made: { folder: string } }} by */
const beside = ({ folder, made }) => [folder, made.folder]

/** @param {{ made: { folder: string } }} by */
const onlyPackage = ({ made }) => [made.folder]

/** What a page says that finds no worker beside its script. */
const MISSING = /host "leader".*Is it at http:\/\/localhost:\d+\/tabstream\/worker\.js\?/

/** What it says where its script has come from another origin. */
const ELSEWHERE = /host "leader".*http:\/\/127\.0\.0\.1:\d+\/tabstream\/worker\.js has another origin, copy/

/** The same for what renders on a server, at a request or in a build. @param {Mode} mode @returns {Mode} */
const rendered = (mode) => ({ ...mode, takesHost: false, isRendered: true })

/** @param {string} build @param {string} command @returns {Mode} */
const productionServer = (build, command) => ({
  name: 'production',
  build,
  serve: (port) => `${command} ${port}`,
  host: HOST,
})

/** The app's own workers connect, and not its pages. @param {Mode} mode @returns {Mode} */
const ofOwnWorker = (mode) => ({ ...mode, host: 'leader', takesHost: false, hasNoSocket: true })

/** @param {Mode} mode @returns {Mode} */
const withSources = (mode) => ({ ...mode, also: lookAtSources })

/** @param {number} version @returns {Consumer} */
const vite = (version) => ({
  name: `vite-${version}`,
  tool: 'vite',
  from: ['page', `vite-${version}`],
  isQuick: version > 6,
  modes: [development('vite --port'), production('vite build', 'dist')].map(withSources),
})

/**
 * @param {string} name of the app
 * @param {string} [other] a folder of `apps` that is laid over it
 * @returns {Consumer}
 */
const example = (name, other = '') => ({
  name: `demo-${other || name}`,
  tool: { solid: 'solid-js', preact: 'preact' }[other || name] ?? name,
  from: [exampleOf(name), ...(other ? [other] : [])],
  isQuick: other === '',
  modes: [{ name: 'the example app', run: (by) => lookAtExample(by) }],
})

/** @type {readonly Consumer[]} */
export const CONSUMERS = [
  vite(8),
  vite(7),
  vite(6),
  vite(5),
  {
    name: 'webpack',
    tool: 'webpack',
    from: ['page', 'webpack'],
    isQuick: true,
    modes: [
      development('webpack serve --mode development --port'),
      production('webpack --mode production', 'dist', 'public'),
    ].map(withSources),
  },
  {
    name: 'rspack',
    tool: '@rspack/core',
    from: ['page', 'webpack', 'rspack'],
    modes: [
      development('rspack serve --mode development --port'),
      production('rspack build --mode production', 'dist', 'public'),
    ].map(withSources),
  },
  {
    name: 'parcel',
    tool: 'parcel',
    from: ['page', 'parcel'],
    modes: [development('npm run dev -- --port'), production('npm run build', 'dist')],
  },
  {
    name: 'esbuild',
    tool: 'esbuild',
    from: ['page', 'copied', 'esbuild'],
    isQuick: true,
    modes: [development('node build.js --serve'), production('node build.js', 'public')],
  },
  {
    name: 'rollup',
    tool: 'rollup',
    from: ['page', 'copied', 'rollup'],
    modes: [production('rollup --config', 'public')],
  },
  {
    name: 'rolldown',
    tool: 'rolldown',
    from: ['page', 'copied', 'rolldown'],
    modes: [production('rolldown --config', 'public')],
  },
  {
    name: 'vite-cdn',
    tool: 'vite',
    from: ['page', 'copied', 'vite-cdn'],
    modes: [
      {
        ...production('npm run build', 'dist'),
        name: "assets on a CDN, the worker on the page's origin",
        onCdn: within('dist'),
      },
    ],
  },
  {
    name: 'next',
    tool: 'next',
    from: ['feed', 'react', 'next'],
    node: NODE,
    isQuick: true,
    modes: [
      rendered(development('next dev --port')),
      rendered(productionServer('next build', 'next start --port')),
    ],
  },
  {
    name: 'react-router',
    tool: '@react-router/dev',
    from: ['feed', 'react', 'react-router'],
    node: NODE,
    modes: [
      rendered(development('react-router dev --port')),
      rendered(productionServer('react-router build', 'react-router-serve ./build/server/index.js #')),
    ],
  },
  {
    name: 'nuxt',
    tool: 'nuxt',
    from: ['feed', 'vue', 'nuxt'],
    node: NODE,
    modes: [
      rendered(development('npm run worker && nuxt dev --port')),
      rendered(productionServer('npm run build', 'node .output/server/index.mjs #')),
    ],
  },
  {
    name: 'sveltekit',
    tool: '@sveltejs/kit',
    from: ['feed', 'sveltekit'],
    node: NODE,
    modes: [
      rendered(development('vite dev --port')),
      rendered(productionServer('vite build', 'node build #')),
    ],
  },
  {
    name: 'astro',
    tool: 'astro',
    from: ['feed', 'astro'],
    node: NODE,
    modes: [rendered(development('astro dev --port')), rendered(production('astro build', 'dist'))],
  },
  {
    name: 'solid-start',
    tool: '@solidjs/start',
    from: ['feed', 'solid-start'],
    node: NODE,
    modes: [
      rendered(development('vite dev --port')),
      rendered(productionServer('vite build', 'node .output/server/index.mjs #')),
    ],
  },
  {
    name: 'angular',
    tool: '@angular/cli',
    from: ['feed', 'angular'],
    node: NODE,
    modes: [
      { ...development('ng serve --port'), takesHost: false },
      { ...production('ng build', 'dist/browser'), takesHost: false },
    ],
  },
  {
    name: 'angular-ssr',
    tool: '@angular/cli',
    from: ['feed', 'angular', 'angular-ssr'],
    node: NODE,
    modes: [
      rendered(development('ng serve --port')),
      rendered(productionServer('ng build', 'node dist/server/server.mjs #')),
    ],
  },
  {
    name: 'hot',
    tool: 'vite',
    from: ['feed', 'react', 'vue', 'hot'],
    isQuick: true,
    modes: [
      { name: 'hot reload, StrictMode, React and Vue in one page', host: HOST, run: lookAtHotReload },
      { ...production('vite build', 'dist'), takesHost: false },
    ],
  },
  {
    name: 'own-worker-vite-7',
    tool: 'vite',
    from: ['page', 'own-worker', 'vite-7/package.json'],
    isQuick: true,
    modes: [ofOwnWorker(development('vite --port')), ofOwnWorker(production('vite build', 'dist'))],
  },
  {
    name: 'own-worker-vite-8',
    tool: 'vite',
    from: ['page', 'own-worker', 'vite-8/package.json'],
    modes: [ofOwnWorker(development('vite --port')), ofOwnWorker(production('vite build', 'dist'))],
  },
  {
    name: 'own-worker-webpack',
    tool: 'webpack',
    from: ['page', 'webpack', 'own-worker'],
    modes: [ofOwnWorker(production('webpack --mode production', 'dist', 'public'))],
  },
  {
    name: 'extension',
    modes: [{ name: 'service worker of an extension', host: 'leader', run: lookAtExtension }],
  },
  {
    name: 'script',
    isQuick: true,
    modes: [
      { name: 'plain <script>', folders: beside, host: HOST, hasNoSocket: true },
      {
        name: "under a policy of default-src 'self'",
        folders: beside,
        host: HOST,
        hasNoSocket: true,
        site: { policy: "default-src 'self'" },
      },
    ],
  },
  {
    name: 'script-cdn',
    from: ['script', 'script-cdn'],
    modes: [
      {
        name: '<script> from a CDN',
        folders: within('.'),
        hasNoSocket: true,
        onCdn: onlyPackage,
        host: 'leader',
        warning: ELSEWHERE,
      },
    ],
  },
  {
    name: 'script-cdn-worker',
    from: ['script', 'script-cdn', 'script-cdn-worker'],
    modes: [
      {
        name: "<script> from a CDN, the worker on the page's origin",
        folders: within('.'),
        hasNoSocket: true,
        onCdn: onlyPackage,
        host: HOST,
      },
    ],
  },
  {
    name: 'module',
    from: ['page', 'module'],
    isQuick: true,
    modes: [
      { name: 'modules and an import map', folders: beside, host: HOST, takesHost: true },
      {
        name: 'index.html in place of a missing worker',
        folders: beside,
        site: { missing: '/tabstream/worker.js', fallback: true },
        host: 'leader',
        warning: MISSING,
      },
    ],
  },
  {
    name: 'module-cdn',
    from: ['page', 'module', 'module-cdn'],
    modes: [
      {
        name: 'modules from a CDN',
        folders: within('.'),
        hasNoSocket: true,
        onCdn: onlyPackage,
        host: 'leader',
        warning: ELSEWHERE,
      },
    ],
  },
  {
    name: 'module-cdn-worker',
    from: ['page', 'copied', 'module', 'module-cdn', 'script-cdn-worker'],
    modes: [
      {
        name: "modules from a CDN, the worker on the page's origin",
        folders: within('.'),
        onCdn: onlyPackage,
        host: HOST,
        takesHost: true,
      },
    ],
  },
  example('react'),
  example('react', 'react-18'),
  example('react', 'preact'),
  example('vue'),
  example('svelte'),
  example('solid'),
  {
    name: 'angular-example',
    tool: '@angular/core',
    from: ['angular', 'angular-example'],
    node: NODE,
    modes: [{ name: 'the example app', run: (by) => lookAtExample(by, 'ng build', 'dist/browser') }],
  },
  { name: 'slots', modes: [{ name: 'libraries that take a source', run: lookAtSlots }] },
]
