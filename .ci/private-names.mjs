import { parseAst } from 'rollup/parseAst'

/**
 * Numbers the private names of each class from 0, in the order in which it declares them. Outside of its class nobody can see
 * them, but minifiers give each name of the whole script one of its own, and repetition is what compresses.
 *
 * @param {string} code
 */
export function numberPrivateNames(code) {
  /** @type {{ start: number, end: number, name: string }[]} */
  const renamed = []

  /** @param {any} node @param {readonly Map<string, string>[]} scopes the innermost first */
  const visit = (node, scopes) => {
    if (node.type === 'PrivateIdentifier') {
      const name = scopes.find((names) => names.has(node.name))?.get(node.name)
      if (name !== undefined) renamed.push({ start: node.start, end: node.end, name })
      return
    }
    const inner = node.type === 'ClassBody' ? [namesOf(node, scopes.length), ...scopes] : scopes
    for (const child of childrenOf(node)) visit(child, inner)
  }
  visit(parseAst(code), [])

  const parts = []
  let position = 0
  for (const { start, end, name } of renamed.sort((one, other) => one.start - other.start)) {
    parts.push(code.slice(position, start), name)
    position = end
  }
  return parts.join('') + code.slice(position)
}

/** A class within another one sees the names of both. @param {any} body @param {number} depth */
function namesOf({ body }, depth) {
  const declared = body.map(({ key }) => key).filter((key) => key?.type === 'PrivateIdentifier')
  // A getter and a setter have one name.
  const names = new Set(declared.map(({ name }) => name))
  return new Map([...names].map((name, index) => [name, `#_${depth}_${index}`]))
}

/** @param {object} node */
const childrenOf = (node) =>
  Object.values(node)
    .flat()
    .filter((value) => typeof value?.type === 'string')

/** A minifier comes behind it. */
export const numberedPrivateNames = () => ({
  name: 'numbered-private-names',
  /** @param {string} code */
  renderChunk: (code) => ({ code: numberPrivateNames(code), map: null }),
})
