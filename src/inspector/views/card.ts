import { element, set, write } from '../dom.ts'

/** A box with a title and a state, of which the colour is not all that tells. */
export function card(tools: readonly Node[], ...children: readonly Node[]) {
  const title = element('h3')
  const state = element('span', { class: 'state' })
  return {
    element: element(
      'li',
      { class: 'card' },
      element('div', { class: 'head' }, title, state, ...tools),
      ...children,
    ),
    /** @param kind as a stream's state is called */
    entitle(text: string, kind: string, words: string): void {
      write(title, text)
      set(state, 'data-state', kind)
      write(state, words)
    },
  }
}

/** Names of events, of which one stands for all. */
export const namesOf = (names: readonly string[]): string =>
  names.map((name) => (name === '*' ? 'all names' : name)).join(', ')
