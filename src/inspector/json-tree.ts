import { button, element } from './dom.ts'

/** Members that are shown at once. */
const PAGE = 100

/** Levels that are open at first. */
const OPEN = 2

/** A value that JSON can tell, as parts that open and close. What is closed is not made. */
export function jsonTree(value: unknown, name = '', depth = 0): HTMLElement {
  const label = element('span', { class: 'key' }, name === '' ? '' : `${name}: `)
  if (typeof value !== 'object' || value === null)
    return element(
      'div',
      { class: 'leaf' },
      label,
      element('span', { class: typeof value }, JSON.stringify(value)),
    )
  const members = Object.entries(value)
  const size = Array.isArray(value) ? `[${members.length}]` : `{${members.length}}`
  const body = element('div', { class: 'branch' })
  const more = (from: number): void => {
    for (const [key, member] of members.slice(from, from + PAGE))
      body.append(jsonTree(member, key, depth + 1))
    const rest = members.length - from - PAGE
    if (rest <= 0) return
    const next = button(`${rest} more`, () => {
      next.remove()
      more(from + PAGE)
    })
    body.append(next)
  }
  const details = element(
    'details',
    {
      ontoggle: () => {
        if (details.open && body.childElementCount === 0) more(0)
      },
    },
    element('summary', {}, label, element('span', { class: 'size' }, size)),
    body,
  )
  if (depth < OPEN && members.length > 0) {
    details.open = true
    more(0)
  }
  return details
}
