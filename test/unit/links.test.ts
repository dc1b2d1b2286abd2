import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')

const markdownIn = (folder: string): string[] =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name))

const PAGES = ['.', 'docs', 'docs/frameworks', 'docs/servers', 'test', 'test/browser'].flatMap(markdownIn)

const withoutCode = (text: string): string => text.replace(/^```[\s\S]*?^```/gm, '')

/** The part after `#` that GitHub gives a heading. */
const anchorOf = (heading: string): string =>
  heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-')

const anchorsOf = (file: string): string[] =>
  [...withoutCode(readFileSync(file, 'utf8')).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    anchorOf(heading),
  )

const linksOf = (text: string): string[] =>
  [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !/^[a-z]+:/.test(link))

test.each(PAGES)('the links of %s lead somewhere', (page) => {
  const text = readFileSync(join(ROOT, page), 'utf8')
  const dead = linksOf(text).filter((link) => {
    const [path = '', anchor] = link.split('#')
    const file = path === '' ? join(ROOT, page) : join(ROOT, dirname(page), path)
    if (!existsSync(file)) return true
    return anchor !== undefined && !anchorsOf(file).includes(anchor)
  })
  expect(dead).toEqual([])
})

test('the README leads to every page of the documentation', () => {
  const linked = linksOf(readFileSync(join(ROOT, 'README.md'), 'utf8')).map((link) => link.split('#')[0])
  const pages = ['docs', 'docs/frameworks'].flatMap(markdownIn).map((page) => relative('.', page))
  expect(pages.filter((page) => !linked.includes(page))).toEqual([])
})

test('the page on servers leads to the page of each stack', () => {
  const linked = linksOf(readFileSync(join(ROOT, 'docs/servers.md'), 'utf8'))
  const pages = markdownIn('docs/servers').map((page) => relative('docs', page))
  expect(pages.filter((page) => !linked.includes(page))).toEqual([])
})
