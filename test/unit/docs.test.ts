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
import { basename, join } from 'node:path'
import { compile } from 'svelte/compiler'
import { expect, onTestFinished, test } from 'vitest'
import * as vue from 'vue/compiler-sfc'

const ROOT = join(import.meta.dirname, '../..')
const DOCS = join(ROOT, 'docs')

interface Example {
  file: string
  code: string
}

/** Code of a page whose first line is the name of its file, by that name. */
const namedBlocks = (page: string): Map<string, string> =>
  new Map(
    [...page.matchAll(/```\w+\n(?:\/\/ (\S+)|<!-- (\S+) -->)\n([\s\S]*?)```/g)].map(
      ([, module, component, code = '']) => [module ?? component ?? '', code],
    ),
  )

/** Examples that a page shows whole. */
const examplesOf = (page: string): Example[] =>
  [...namedBlocks(readFileSync(join(DOCS, page), 'utf8'))].map(([file, code]) => scriptOf({ file, code }))

/** The script of a component, with what its template says where Vue's compiler makes TypeScript of that. */
function scriptOf({ file, code }: Example): Example {
  if (file.endsWith('.svelte')) {
    compile(code, { filename: file })
    const [, script = ''] = /<script lang="ts">\n([\s\S]*?)<\/script>/.exec(code) ?? []
    return { file: `${file}.ts`, code: `/// <reference types="svelte" />\n${script}\nexport {}\n` }
  }
  if (!file.endsWith('.vue')) return { file, code }
  const { descriptor, errors } = vue.parse(code, { filename: file })
  expect(errors).toEqual([])
  const { content } = vue.compileScript(descriptor, { id: file, inlineTemplate: true })
  const [, props = 'object'] = /defineProps<(.*?)>\(/.exec(code) ?? []
  return { file: `${file}.ts`, code: content.replace('__props: any', `__props: ${props}`) }
}

/** What the compiler says of these files in an app that has the package and the framework. */
function problemsOf(files: readonly Example[], options: object): string {
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

interface Page {
  /** Of the compiler. */
  options: object
  /** Declares what the examples use, and is not installed for them. */
  declares?: string
  /** No example is a mere part of a file. */
  isWhole?: true
}

const PAGES: Record<string, Page> = {
  'frameworks/angular.md': { options: { experimentalDecorators: true }, declares: 'angular.d.ts' },
  'frameworks/react.md': { options: { jsx: 'react-jsx' } },
  'frameworks/solid.md': { options: { jsx: 'preserve', jsxImportSource: 'solid-js' } },
  'frameworks/svelte.md': { options: {} },
  // Render functions that its compiler writes name no types.
  'frameworks/vue.md': { options: { noImplicitAny: false } },
  'lines.md': { options: {}, isWhole: true },
  'server.md': {
    options: { types: ['node'], allowJs: true, checkJs: true },
    declares: 'kit.d.ts',
    isWhole: true,
  },
  'testing.md': { options: { jsx: 'react-jsx' }, declares: 'tools.d.ts', isWhole: true },
}

test.each(Object.entries(PAGES))(
  'the examples of docs/%s compile',
  { timeout: 60_000 },
  (page, { options, declares, isWhole }) => {
    const examples = examplesOf(page)
    expect(examples.length).toBeGreaterThan(4)
    if (isWhole) {
      const blocks = readFileSync(join(DOCS, page), 'utf8').match(/^```(?:tsx?|js|vue|svelte)$/gm)
      expect(examples).toHaveLength(blocks?.length ?? 0)
    }
    const declared = declares === undefined ? [] : [{ file: declares, code: DECLARED[declares] ?? '' }]
    expect(problemsOf([...examples, ...declared], options)).toBe('')
  },
)

const ANGULAR = `
declare module '@angular/core' {
  export type Signal<Value> = () => Value
  export type WritableSignal<Value> = Signal<Value> & { set(value: Value): void }
  export function Component(metadata: { selector: string; template: string }): (type: new () => unknown) => void
  export function computed<Value>(compute: () => Value): Signal<Value>
  export function signal<Value>(initial: Value): WritableSignal<Value>
  export function input<Value>(): Signal<Value | undefined>
  export function effect(run: (onCleanup: (end: () => void) => void) => void): void
  export function inject<Value>(type: abstract new () => Value): Value
  export abstract class DestroyRef { onDestroy(end: () => void): () => void }
}
declare module '@angular/core/rxjs-interop' {
  import type { Signal } from '@angular/core'
  interface Subscribable<Value> {
    subscribe(observer: Partial<{ next: (value: Value) => void }>): { unsubscribe(): void }
  }
  export function toSignal<Value>(source: Subscribable<Value>, options: { requireSync: true }): Signal<Value>
}
`

/** Of what apps are tested with; sample apps in test/runners have the real ones. */
const TOOLS = `
declare module '@testing-library/react' {
  export function act(work: () => void): void
  export function render(element: import('react').ReactNode): { unmount(): void }
  export const screen: { getByText(text: string): HTMLElement }
}
declare module '@jest/globals' {
  export function afterEach(work: () => void): void
}
declare module '@vue/test-utils' {
  export function mount(component: import('vue').Component): { text(): string }
}
declare module '@storybook/react-vite' {
  interface Context { parameters: Record<string, any> }
  export interface Preview { beforeEach?: (context: Context) => (() => void) | void }
  export interface Meta<Component> { component: Component }
  export interface StoryObj { parameters?: Record<string, any>; play?: (context: Context) => void }
}
declare module 'msw' {
  export interface Handler { readonly info: unknown }
  export function sse<Events extends Record<string, unknown>>(
    path: string,
    resolver: (info: {
      request: Request
      client: { send(event: { [Name in keyof Events]: { event: Name; id?: string; data: Events[Name] } }[keyof Events]): void }
    }) => void,
  ): Handler
}
declare module 'msw/node' {
  export function setupServer(...handlers: import('msw').Handler[]): { listen(): void; close(): void }
}
declare module 'msw/browser' {
  export function setupWorker(...handlers: import('msw').Handler[]): { start(): Promise<unknown> }
}
declare module '@playwright/test' {
  export * from 'playwright/test'
}
`

const KIT = `
declare module '@sveltejs/kit' {
  export type RequestHandler = (event: { request: Request }) => Response | Promise<Response>
}
`

const DECLARED: Record<string, string> = {
  'kit.d.ts': KIT,
  'angular.d.ts': ANGULAR,
  'tools.d.ts': TOOLS,
}

/** What an app has of its own, where an example does not say it. */
const APP = `
declare const freshToken: () => Promise<string>
declare const user: { id: string }
declare const alertSchema: import('tabstream').StandardSchema<{ level: number }>
declare const draw: (...values: unknown[]) => void
declare const show: (...values: unknown[]) => void
declare const append: (text: string) => void
declare const refetch: (why?: unknown) => void
declare const signal: AbortSignal
declare global {
  interface ImportMeta {
    readonly env: { readonly DEV: boolean }
  }
}
`

const IMPORT = "import { configure, connect, inspect, SharedEventSource } from 'tabstream'\n"

/** Examples without a file's name: each is a module of its own, and shorter ones take it as said that the package is imported. */
const fragmentsOf = (page: string): Example[] =>
  [...readFileSync(join(DOCS, page), 'utf8').matchAll(/```(?:ts|js)\n([\s\S]*?)```/g)]
    .map(([, code = '']) => code)
    .filter((code) => !/^\/\/ \S+\.\w+\n/.test(code))
    .map((code, index) => ({
      file: `${basename(page, '.md')}-${index}.ts`,
      code: `${code.includes("from 'tabstream'") ? '' : IMPORT}${APP}${code}\nexport {}\n`,
    }))

test('every other example compiles', { timeout: 60_000 }, () => {
  const others = readdirSync(DOCS).filter((name) => name.endsWith('.md') && !(name in PAGES))
  const pages = ['../README.md', ...others]
  const fragments = pages.flatMap(fragmentsOf)
  // Those in plain JavaScript are run.
  const files = pages.flatMap(examplesOf).filter(({ file }) => file.endsWith('.ts'))
  expect(fragments.length).toBeGreaterThan(10)
  expect(files.length).toBeGreaterThan(5)
  expect(problemsOf([...fragments, ...files], {})).toBe('')
})

test.each(['react', 'solid', 'svelte', 'vue'])('the example app for %s has what the page shows', (name) => {
  const shown = namedBlocks(readFileSync(join(DOCS, `frameworks/${name}.md`), 'utf8'))
  const folder = join(ROOT, 'demo/apps', name, 'src')
  const shared = readdirSync(folder).filter((file) => shown.has(file))
  expect(shared.map((file) => [file, readFileSync(join(folder, file), 'utf8')])).toEqual(
    shared.map((file) => [file, shown.get(file)]),
  )
  expect(shared.length).toBe(5)
})

test.each([
  {
    page: 'frameworks/angular.md',
    folder: 'test/consumers/apps/angular-example/src',
    files: [
      'alerts.ts',
      'dashboard.component.ts',
      'feed.ts',
      'machine.component.ts',
      'machines.component.ts',
    ],
  },
  { page: 'servers.md', folder: 'demo/apps', files: ['server.mjs'] },
  { page: 'server.md', folder: 'test/unit/server', files: ['append-once.ts', 'own-log.ts'] },
  { page: 'logs.md', folder: 'demo/logs', files: ['nats-log.mjs', 'postgres-log.mjs'] },
  {
    page: 'libraries.md',
    folder: 'test/consumers/apps/slots/src',
    files: ['htmx.js', 'reconnecting-eventsource.js', 'transmit.js', 'trpc.js', 'turbo.js'],
  },
])('what $page shows is what is run', ({ page, folder, files }) => {
  const shown = namedBlocks(readFileSync(join(DOCS, page), 'utf8'))
  for (const file of files) expect(readFileSync(join(ROOT, folder, file), 'utf8'), file).toBe(shown.get(file))
})
