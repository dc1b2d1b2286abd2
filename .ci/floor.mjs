import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAst } from 'rollup/parseAst'
import { root } from './prepare.mjs'

/** The oldest browsers that the package works in. The README names them too. */
export const FLOOR = { chrome: 100, edge: 100, firefox: 104, safari: 16, safari_ios: 16 }

/** What may be missing in them, and why that does no harm. */
const DISPENSABLE = {
  SharedWorker: 'where there is none, the pages elect a leader',
  '.replaceSync': 'where there is none, a style element dresses the inspector',
  'Symbol.dispose': 'without it, nobody can write `using`, and the method has a name that nobody calls',
  '.dispose': 'the same',
}

/** @typedef {{ readonly __compat?: { readonly support: Record<string, unknown> }, readonly [name: string]: unknown }} Feature */

/** @type {{ api: Record<string, Feature>, javascript: { builtins: Record<string, Feature> } }} */
const { api, javascript } = JSON.parse(
  readFileSync(join(root, 'node_modules/@mdn/browser-compat-data/data.json'), 'utf8'),
)
const INTERFACES = { ...api, ...javascript.builtins }

/** All members of that name of whatever interface, because the code does not say which is meant. @type {Map<string, Feature[]>} */
const MEMBERS = new Map()
for (const members of Object.values(INTERFACES)) {
  for (const [name, member] of Object.entries(members)) {
    if (name === '__compat') continue
    const plain = name.replace(/_(static|event)$/, '')
    MEMBERS.set(plain, [...(MEMBERS.get(plain) ?? []), /** @type {Feature} */ (member)])
  }
}

/**
 * What a script uses of the platform that the oldest browsers do not have, by MDN's data: globals, static members, and names of
 * members that only newer interfaces have.
 *
 * @param {string} code
 * @param {string} [others] code that defines names which this uses
 * @returns {string[]}
 */
export function newerThanFloor(code, others = '') {
  const { used, own } = namesIn(code)
  for (const name of namesIn(others).own) own.add(name)
  return [...used].filter((name) => !own.has(name) && !(name in DISPENSABLE) && isNewer(name)).sort()
}

/** @param {string} name */
function isNewer(name) {
  const [object = '', member] = name.split('.')
  if (object === '') return (MEMBERS.get(member ?? '') ?? []).every(isMissing) && MEMBERS.has(member ?? '')
  const feature = Object.hasOwn(INTERFACES, object) ? INTERFACES[object] : undefined
  if (member === undefined) return feature !== undefined && isMissing(feature)
  const found = feature?.[`${member}_static`] ?? feature?.[member]
  return found !== undefined && isMissing(/** @type {Feature} */ (found))
}

/** Of features without data nothing is known. @param {Feature} feature */
function isMissing({ __compat }) {
  if (__compat === undefined) return false
  return Object.entries(FLOOR).some(([browser, version]) => {
    const statements = [__compat.support[browser] ?? []].flat()
    const whole = statements.filter((one) => !one.flags && !one.prefix && !one.alternative_name)
    return !whole.some(({ version_added: since, version_removed: until }) => {
      const first = typeof since === 'string' ? Number.parseFloat(since.replace('≤', '')) : Number.NaN
      return since !== 'preview' && first <= version && until === undefined
    })
  })
}

/**
 * `Name` for a global, `Name.member` for a member of it, `.member` for one of anything.
 *
 * @param {string} code
 */
function namesIn(code) {
  /** @type {Set<string>} */
  const used = new Set()
  /** @type {Set<string>} */
  const own = new Set()
  /** @param {any} node @param {any} [parent] @param {string} [role] */
  const visit = (node, parent, role) => {
    if (Array.isArray(node)) for (const one of node) visit(one, parent, role)
    if (typeof node?.type !== 'string') return
    if (node.type === 'MemberExpression' && !node.computed && node.property.type === 'Identifier') {
      const { name } = node.property
      if (role === 'left' && parent.type === 'AssignmentExpression') own.add(`.${name}`)
      used.add(node.object.name === 'globalThis' ? name : `.${name}`)
      if (node.object.type === 'Identifier') used.add(`${node.object.name}.${name}`)
    } else if (node.type === 'Identifier') {
      const isKey = ['property', 'key'].includes(role ?? '') && !parent.computed
      const isDeclared = role === 'id' || role === 'params' || role === 'param'
      if (isKey) own.add(parent.type === 'MemberExpression' ? '' : `.${node.name}`)
      else if (isDeclared) own.add(node.name)
      else used.add(node.name)
    }
    for (const [key, child] of Object.entries(node)) visit(child, node, key)
  }
  visit(parseAst(code))
  return { used, own }
}
