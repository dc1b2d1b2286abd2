import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
// @ts-expect-error: a script without types of its own
import { readFigures, withFigures } from '../bench/figures.mjs'
// @ts-expect-error: a script without types of its own
import { measureSizes } from '../bench/sizes.mjs'

const ROOT = join(import.meta.dirname, '../..')

/** Rows of the README's table of sizes, and the entry that each is about. */
const SIZES: Record<string, string> = {
  'a bundle that imports `SharedEventSource`': 'SharedEventSource',
  'a bundle that imports `connect`': 'connect',
  'the worker, fetched once for all tabs': 'worker.js',
  'the hub for pages that can have no worker, fetched only there': 'hub.js',
}

/** What an app has of its own. */
const APP = `
declare const freshToken: () => Promise<string>
declare const user: { id: string }
declare const alertSchema: import('tabstream').StandardSchema<{ level: number }>
declare const draw: (...values: unknown[]) => void
declare const show: (...values: unknown[]) => void
declare const append: (line: string) => void
declare const refetch: (why?: unknown) => void
declare const signal: AbortSignal
`

test('the sizes that the README states are those of the build', async () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
  const stated = Object.keys(SIZES).map((row) => readme.split(`\n| ${row} | `)[1]?.split(' |')[0])
  const sizes = await measureSizes()
  const measured = Object.values(SIZES).map(
    (entry) => `${((sizes[entry]?.brotli ?? 0) / 1_000).toFixed(1)} kB`,
  )
  expect(stated).toEqual(measured)
}, 60_000)

test('the figures that the README states are those that were measured', () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
  expect(withFigures(readme, readFigures())).toBe(readme)
})

test("the examples of the README's API compile in an app that has only the package", () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
  const api = readme.slice(readme.indexOf('\n## API\n'), readme.indexOf('\n### Without a bundler\n'))
  const examples = [...api.matchAll(/```(?:ts|js)\n([\s\S]*?)```/g)].map(([, code]) => code ?? '')
  expect(examples.length).toBeGreaterThan(2)

  const folder = mkdtempSync(join(tmpdir(), 'tabstream-readme-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const installed = join(folder, 'node_modules/tabstream')
  mkdirSync(installed, { recursive: true })
  spawnSync('cp', ['-r', join(ROOT, 'dist'), join(ROOT, 'package.json'), installed])
  const names = /import \{ (.*?) \} from 'tabstream'/
  for (const [index, code] of examples.entries()) {
    // Shorter examples take it as said that the package is imported.
    const imports = names.test(code)
      ? ''
      : "import { configure, connect, inspect, SharedEventSource } from 'tabstream'\n"
    writeFileSync(join(folder, `example-${index}.ts`), `${imports}${APP}${code}\nexport {}\n`)
  }
  const compiler = join(ROOT, 'node_modules/typescript/lib/tsc.js')
  const options = [
    '--strict',
    '--noEmit',
    '--target',
    'es2022',
    '--module',
    'esnext',
    '--moduleResolution',
    'bundler',
  ]
  const { stdout, status } = spawnSync(
    process.execPath,
    [
      compiler,
      ...options,
      '--lib',
      'esnext,dom,dom.asynciterable',
      ...examples.map((_, index) => `example-${index}.ts`),
    ],
    { cwd: folder, encoding: 'utf8' },
  )
  expect(stdout).toBe('')
  expect(status).toBe(0)
}, 60_000)
