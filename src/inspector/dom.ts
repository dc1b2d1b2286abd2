type Listener = (event: never) => void

/** What an element has: attributes, of which `false` is left out, and listeners under `on…`. */
export type Attributes = Readonly<Record<string, string | number | boolean | Listener>>

/** Texts become text nodes, never markup. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(name.slice(2), value as EventListener)
    else set(made, name, value)
  }
  made.append(...children)
  return made
}

/** Sets an attribute where it is another one. */
export function set(target: Element, name: string, value: string | number | boolean): void {
  const text = value === true ? '' : String(value)
  if (value === false) target.removeAttribute(name)
  else if (target.getAttribute(name) !== text) target.setAttribute(name, text)
}

/** Sets a text where it is another one. */
export function write(target: Element, text: string): void {
  if (target.textContent !== text) target.textContent = text
}

/** The element of an item, and what brings it up to date. */
export interface Part<Item, Scene> {
  readonly element: HTMLElement
  update(item: Item, scene: Scene): void
}

/** So many items of a list are shown: each costs time four times a second. */
const MOST = 100

/**
 * Elements for a list of items: those of known items stay. What it returns brings them up to date.
 *
 * @param scene what all of them show something of
 */
export function list<Item, Scene = void>(
  parent: Element,
  keyOf: (item: Item) => string,
  create: (item: Item) => Part<Item, Scene>,
): (items: readonly Item[], scene: Scene) => void {
  const parts = new Map<string, Part<Item, Scene>>()
  const more = element('li', { class: 'quiet' })
  return (items, scene) => {
    const left = new Set(parts.keys())
    let place = parent.firstElementChild
    for (const item of items.slice(0, MOST)) {
      const key = keyOf(item)
      const part = parts.get(key) ?? create(item)
      parts.set(key, part)
      left.delete(key)
      part.update(item, scene)
      if (part.element === place) place = place.nextElementSibling
      else parent.insertBefore(part.element, place)
    }
    for (const key of left) {
      parts.get(key)?.element.remove()
      parts.delete(key)
    }
    write(more, `and ${items.length - MOST} more`)
    if (items.length > MOST) parent.append(more)
    else more.remove()
  }
}

/** Names with values. */
export interface Facts {
  readonly element: HTMLElement
  /** A fact without a text is not shown. */
  update(facts: Readonly<Record<string, string>>): void
}

export function facts(): Facts {
  const home = element('dl', { class: 'facts' })
  const update = list<[string, string]>(
    home,
    ([name]) => name,
    ([name]) => {
      const value = element('dd')
      return {
        element: element('div', {}, element('dt', {}, name), value),
        update: ([, text]) => write(value, text),
      }
    },
  )
  return { element: home, update: (all) => update(Object.entries(all).filter(([, text]) => text !== '')) }
}

export const button = (text: string, onclick: () => void, attributes: Attributes = {}): HTMLButtonElement =>
  element('button', { type: 'button', onclick, ...attributes }, text)

/** Offers texts by their values, and keeps the one that is chosen. */
export function offer(
  select: HTMLSelectElement,
  options: readonly (readonly [value: string, text: string])[],
): void {
  const { value } = select
  const key = (all: readonly (readonly string[])[]) => JSON.stringify(all)
  const present = [...select.options].map((option) => [option.value, option.text])
  if (key(present) === key(options)) return
  select.replaceChildren(...options.map(([value, text]) => element('option', { value }, text)))
  select.value = options.some(([one]) => one === value) ? value : (options[0]?.[0] ?? '')
}
