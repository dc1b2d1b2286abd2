import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

describe('DURABLE.md', () => {
  const page = readFileSync(join(import.meta.dirname, 'DURABLE.md'), 'utf8')

  test('names tests that there are', () => {
    const files = new Map(
      [...page.matchAll(/^\| \*(\w+)\* \| \[.*?\]\((.*?)\)/gm)].map(([, name, path = '']) => [
        name,
        readFileSync(join(import.meta.dirname, path), 'utf8'),
      ]),
    )
    const named = [...page.matchAll(/\*(\w+)\*: (.*?)(?= · \*| \|$)/gm)]
    expect(named.length).toBeGreaterThan(60)
    for (const [, file, title = ''] of named)
      expect(files.get(file)?.replaceAll('"', "'"), title).toContain(`'${title.replaceAll('"', "'")}'`)
  })

  test.each(['passes', 'departs', 'does not apply'])(
    'says how many cases there are of which it says: %s',
    (verdict) => {
      const rows = [...page.matchAll(/^\| ([\w-]+(?:, [\w-]+)*) \| (.*) \|$/gm)]
      const cases = rows
        .filter(([, , said]) => said?.startsWith(verdict))
        .flatMap(([, all]) => all?.split(', '))
      expect(page).toContain(`| ${verdict} | ${cases.length} |`)
      expect(new Set(cases).size).toBe(cases.length)
    },
  )
})
