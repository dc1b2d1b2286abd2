/**
 * What is cut out of Comlink when it is bundled: from one text up to another, and what takes its place.
 *
 * Both ends of a link let nothing through but calls of methods with plain arguments, and their answers
 * (`src/link/guard.ts`). What Comlink has for other messages could never run.
 *
 * @type {readonly { what: string, from: string, upTo: string, instead?: string }[]}
 */
const CUTS = [
  // In a page in the back/forward cache, a callback for collected garbage is script, for which Chromium throws the page out.
  {
    what: 'callbacks for collected garbage',
    from: 'const proxyFinalizers',
    upTo: 'function registerProxy',
    instead: 'const proxyFinalizers = undefined;\n',
  },
  { what: 'the count of remotes', from: 'registerProxy(proxy, ep);', upTo: 'return proxy;' },
  { what: 'arguments passed as proxies', from: '["proxy", proxyTransferHandler]', upTo: '["throw",' },
  {
    what: 'origins, which the guard does not pass on',
    from: '!isAllowedOrigin(',
    upTo: ') {',
    instead: 'false',
  },
  { what: 'properties read and written', from: 'case "GET"', upTo: 'case "APPLY"' },
  { what: 'objects constructed, ports opened and released', from: 'case "CONSTRUCT"', upTo: 'default:' },
  { what: 'the end of a release', from: 'type === "RELEASE"', upTo: ') {', instead: 'false' },
  { what: 'a remote that is released', from: 'prop === releaseProxy', upTo: ') {', instead: 'false' },
  { what: 'a remote property that is awaited', from: 'const r = request', upTo: 'return r.then' },
  { what: 'its promise', from: 'return r.then.bind(r);', upTo: '}', instead: 'return undefined;' },
  { what: 'remote properties written', from: 'set(_target', upTo: 'apply(_target' },
  { what: 'ports asked for', from: 'last === createEndpoint', upTo: ') {', instead: 'false' },
  { what: 'remote methods that are bound', from: 'last === "bind"', upTo: ') {', instead: 'false' },
  // The guard passes none on.
  { what: 'what is transferred', from: 'function myFlat', upTo: 'function processArguments' },
  {
    what: 'arguments that are transferred',
    from: 'const processed = argumentList.map(toWireValue);',
    upTo: '}',
    instead: 'return [argumentList.map((value) => toWireValue(value)[0])];\n',
  },
  {
    what: 'the list of what is transferred',
    from: 'const transferCache = new WeakMap();',
    upTo: 'function transfer(',
  },
  { what: 'what is transferred with a value', from: 'transferCache.get(value) ||', upTo: '[]' },
  // One kind of value is left that is not sent as it is: what is thrown.
  {
    what: 'handlers by name',
    from: 'const transferHandlers = new Map(',
    upTo: 'function expose(',
    instead: 'const transferHandlers = undefined;\n',
  },
  {
    what: 'a search for the handler of a value',
    from: 'for (const [name, handler] of transferHandlers) {',
    upTo: 'return [\n        {\n            type: "RAW"',
    instead:
      'if (throwTransferHandler.canHandle(value)) {\n' +
      '        const [thrown] = throwTransferHandler.serialize(value);\n' +
      '        return [{ type: "HANDLER", name: "throw", value: thrown }];\n    }\n    ',
  },
  {
    what: 'a search for the handler of a name',
    from: 'transferHandlers.get(value.name)',
    upTo: '.deserialize',
    instead: 'throwTransferHandler',
  },
  { what: 'remote objects constructed', from: 'construct(_target', upTo: '});\n    return proxy' },
]

/** Leaves of Comlink what tabstream uses. Fails where Comlink has changed. */
export const comlinkForCalls = () => ({
  name: 'comlink-for-calls',
  /** @this {import('rollup').PluginContext} @param {string} code @param {string} file */
  transform(code, file) {
    if (!file.endsWith('comlink.mjs')) return null
    const cut = CUTS.reduce((left, { what, from, upTo, instead = '' }) => {
      const parts = left.split(from)
      const end = parts[1]?.indexOf(upTo) ?? -1
      if (parts.length !== 2 || end < 0) this.error(`Comlink has changed: look again for ${what}`)
      return `${parts[0]}${instead}${parts[1].slice(end)}`
    }, code)
    return { code: cut, map: null }
  },
})
