import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { transform } from 'esbuild'
import { root } from '../../.ci/prepare.mjs'
import { install, NotInstalled, pack } from '../consumers/apps.mjs'
import { run } from '../consumers/processes.mjs'

// The servers of docs/servers, as they stand there, with the package as it is published.

/** What a page's examples are installed with. The pages name these versions. */
const PACKAGES = {
  node: {
    '@hono/node-server': '2.1.9',
    '@nestjs/common': '12.5.1',
    '@nestjs/core': '12.5.1',
    '@nestjs/platform-express': '12.5.1',
    express: '5.3.0',
    fastify: '5.12.8',
    hono: '4.13.19',
    'reflect-metadata': '0.2.2',
    rxjs: '7.8.2',
  },
  next: {
    '@types/node': '20.19.43',
    '@types/react': '19.3.0',
    next: '16.4.6',
    react: '19.3.1',
    'react-dom': '19.3.1',
    typescript: '5.9.3',
  },
}

const KEPT = ['node_modules', 'package-lock.json', '.installed', '.next']

/**
 * Lays out the examples of pages as an app, and installs what they need.
 *
 * @param {keyof typeof PACKAGES} name
 * @param {readonly string[]} pages of docs/servers
 * @returns {Promise<{ folder: string, why?: string }>} `why` says why it could not be installed
 */
export async function layOutDocumented(name, pages) {
  const { tarball } = await pack()
  const folder = join(root, 'build/servers', name)
  mkdirSync(folder, { recursive: true })
  for (const entry of readdirSync(folder))
    if (!KEPT.includes(entry)) rmSync(join(folder, entry), { recursive: true })
  for (const page of pages)
    for (const [file, code] of examplesOf(page)) {
      mkdirSync(dirname(join(folder, file)), { recursive: true })
      writeFileSync(join(folder, file), code)
    }
  const dependencies = { ...PACKAGES[name], tabstream: `file:../../consumers/${tarball}` }
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ private: true, type: 'module', dependencies }, null, 2),
  )
  try {
    await install(folder, [])
    return { folder }
  } catch (error) {
    if (error instanceof NotInstalled && error.isOffline)
      return { folder, why: "npm's registry cannot be reached" }
    throw error
  }
}

/** As Nest's own compiler does it, as far as the example needs that. @param {string} folder @param {string} file */
export async function compile(folder, file) {
  const { code } = await transform(readFileSync(join(folder, file), 'utf8'), {
    loader: 'ts',
    format: 'esm',
    tsconfigRaw: { compilerOptions: { experimentalDecorators: true } },
  })
  writeFileSync(join(folder, file.replace(/\.ts$/, '.mjs')), code)
}

/** @param {string} folder */
export const buildNext = (folder) => run('next build', { folder })

/** Blocks whose first line is the name of a file. @param {string} page @returns {[string, string][]} */
const examplesOf = (page) =>
  [
    ...readFileSync(join(root, 'docs/servers', page), 'utf8').matchAll(
      /```(?:js|ts)\n\/\/ (\S+)\n([\s\S]*?)```/g,
    ),
  ].map(([, file = '', code = '']) => [file, code])
