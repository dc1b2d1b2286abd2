/**
 * What is cut out of Comlink when it is bundled: from one text up to another, and what takes its place.
 *
 * Both ends of a link let nothing through but calls of methods with plain arguments, and their answers
 * (`src/link/guard.ts`). What Comlink has for other messages could never run.
 *
 * @type {readonly { what: string, from: string, upTo: string, instead?: string }[]}
 */
const CUTS = [
  { what: 'a notice that the banner gives', from: '/**\n * @license', upTo: 'const proxyMarker' },
  // In a page in the back/forward cache, a callback for collected garbage is script, for which Chromium throws the page out.
  {
    what: 'callbacks for collected garbage, and the count of remotes',
    from: 'const proxyCounter',
    upTo: 'function createProxy',
  },
  { what: 'arguments passed as proxies', from: '["proxy", proxyTransferHandler]', upTo: '["throw",' },
  {
    what: 'empty messages, and origins, which the guard does not pass on',
    from: 'if (!ev || !ev.data) {\n            return;\n        }\n        if (!isAllowed',
    upTo: 'const { id, type',
  },
  {
    what: 'calls without a path or arguments',
    from: 'const { id, type, path } = Object',
    upTo: 'let returnValue',
    instead:
      'const { id, type, path, argumentList } = ev.data;\n        if (type !== "APPLY") return;\n        ',
  },
  {
    what: 'everything that is no call of a method',
    from: 'const parent = path.slice',
    upTo: '}\n        catch (value)',
    instead: 'returnValue = obj[path[0]](...argumentList.map(fromWireValue));\n        ',
  },
  {
    what: 'what is transferred with an answer, and the end of a release',
    from: 'const [wireValue, transferables] = toWireValue(returnValue);',
    upTo: '})\n            .catch((error) =>',
    instead: 'ep.postMessage({ ...toWireValue(returnValue), id });\n        ',
  },
  {
    what: 'what is transferred with an error',
    from: 'const [wireValue, transferables] = toWireValue({',
    upTo: 'value: new TypeError',
    instead: 'const wireValue = toWireValue({\n                ',
  },
  {
    what: 'the list of that',
    from: 'ep.postMessage(Object.assign(Object.assign({}, wireValue), { id }), transferables);\n        });\n    });',
    upTo: '\n    if (ep.start)',
    instead: 'ep.postMessage({ ...wireValue, id });\n        });\n    });',
  },
  {
    what: 'remotes of everything but methods',
    from: 'let isProxyReleased = false;',
    upTo: 'function myFlat',
    instead:
      'return new Proxy(target, {\n        get: (_target, method) => (...values) =>\n' +
      '            requestResponseMessage(ep, pendingListeners, {\n                type: "APPLY",\n' +
      '                path: [method],\n                argumentList: values.map(toWireValue),\n' +
      '            }).then(fromWireValue),\n    });\n}\n',
  },
  {
    what: 'messages without an ID, and answers that nobody waits for',
    from: 'if (!data || !data.id) {',
    upTo: '});\n    return createProxy',
    instead:
      'const resolver = pendingListeners.get(data.id);\n        pendingListeners.delete(data.id);\n' +
      '        resolver?.(data);\n    ',
  },
  { what: 'what is transferred', from: 'function myFlat', upTo: 'function transfer(' },
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
    upTo: 'function fromWireValue',
    instead:
      'if (throwTransferHandler.canHandle(value)) {\n' +
      '        const [thrown] = throwTransferHandler.serialize(value);\n' +
      '        return { type: "HANDLER", name: "throw", value: thrown };\n    }\n' +
      '    return { type: "RAW", value };\n}\n',
  },
  {
    what: 'a search for the handler of a name',
    from: 'transferHandlers.get(value.name)',
    upTo: '.deserialize',
    instead: 'throwTransferHandler',
  },
  {
    what: 'an ID of four numbers, where two are as good',
    from: 'return new Array(4)',
    upTo: '\n}\n\nexport',
    instead: 'return [Math.random(), Math.random()].join();',
  },
  {
    what: 'the list of what is transferred with a call',
    from: 'ep.postMessage(Object.assign({ id }, msg), transfers);',
    upTo: '\n    });',
    instead: 'ep.postMessage({ id, ...msg });',
  },
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
