/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string>} [attributes]
 * @param {(Node | string)[]} children
 */
export const createElement = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  element.append(...children)
  return element
}

/**
 * What the page says of itself for style sheets and tests, as `data-` attributes.
 *
 * @param {string} name @param {string | number} value
 */
export const declare = (name, value) => document.documentElement.setAttribute(`data-${name}`, String(value))

/** @param {string} id */
export const find = (id) => /** @type {HTMLElement} */ (document.getElementById(id))

/**
 * Leaves the page alone where nothing changed.
 *
 * @param {Element} element @param {string} text
 */
export const setText = (element, text) => {
  if (element.textContent !== text) element.textContent = text
}
