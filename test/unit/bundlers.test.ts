import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

/** Examples of docs/bundlers.md whose comment names the file of an app that they are, or a part of it. */
const EXAMPLES = [
  ...read('docs/bundlers.md').matchAll(
    /<!-- (test\/consumers\/apps\/\S+?)(?: (\w+))? -->\n\n```\w+\n([\s\S]*?)```/g,
  ),
].map(([, file = '', part, code = '']) => ({ file, part, code }))

/** Whatever its indentation. */
const plain = (text: string) => text.replace(/\s+/g, ' ').trim()

test.each(EXAMPLES)(
  'docs/bundlers.md shows what the test of consumers uses: $file $part',
  ({ file, part, code }) => {
    const text = read(file)
    if (part === undefined) expect(code).toBe(text)
    else if (part === 'scripts') expect(JSON.parse(code)).toMatchObject(expectedScripts(text, code))
    else expect(plain(text)).toContain(plain(code))
  },
)

/** The scripts of a package.json that the example shows. */
function expectedScripts(manifest: string, code: string): Record<string, string> {
  const { scripts } = JSON.parse(manifest) as { scripts: Record<string, string> }
  return Object.fromEntries(Object.keys(JSON.parse(code)).map((name) => [name, scripts[name] ?? '']))
}

test('there are such examples, and each comment has one', () => {
  expect(EXAMPLES.length).toBeGreaterThan(7)
  expect(read('docs/bundlers.md').split('<!-- ').length - 1).toBe(EXAMPLES.length)
})
