import { spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const PAGES = join(ROOT, 'docs/frameworks')

/** Examples that a page shows whole: those whose first line is the name of their file. */
const examplesOf = (page: string): { file: string; code: string }[] =>
  [...readFileSync(join(PAGES, page), 'utf8').matchAll(/```\w+\n\/\/ (\S+\.tsx?)\n([\s\S]*?)```/g)].map(
    ([, file = '', code = '']) => ({ file, code }),
  )

/** What the compiler says of these files in an app that has the package and the framework. */
function problemsOf(files: readonly { file: string; code: string }[], options: object): string {
  const folder = mkdtempSync(join(tmpdir(), 'tabstream-docs-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'node_modules/tabstream'), { recursive: true })
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (!name.startsWith('.'))
      symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name))
  }
  for (const name of ['dist', 'package.json']) {
    cpSync(join(ROOT, name), join(folder, 'node_modules/tabstream', name), { recursive: true })
  }
  for (const { file, code } of files) writeFileSync(join(folder, file), code)
  const compilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: 'es2022',
    lib: ['esnext', 'dom', 'dom.iterable', 'dom.asynciterable'],
    module: 'esnext',
    moduleResolution: 'bundler',
    types: [],
    ...options,
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*'] }))
  const compiler = join(ROOT, 'node_modules/typescript/lib/tsc.js')
  return spawnSync(process.execPath, [compiler, '--project', folder], { encoding: 'utf8' }).stdout
}

test.each([['react', { jsx: 'react-jsx' }]])(
  'the examples for %s compile',
  { timeout: 60_000 },
  (name, options) => {
    const examples = examplesOf(`${name}.md`)
    expect(examples.length).toBeGreaterThan(4)
    expect(problemsOf(examples, options)).toBe('')
  },
)
