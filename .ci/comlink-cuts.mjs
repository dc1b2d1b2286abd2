/**
 * What is cut out of Comlink when it is bundled: from one text up to another, and what takes its place. What is sent stays as
 * it is.
 *
 * Both ends of a link let nothing through but calls of methods with plain arguments, and their answers
 * (`src/link/guard.ts`). What Comlink has for other messages could never run.
 *
 * @type {readonly { what: string, from: string, upTo: string, instead?: string }[]}
 */
const CUTS = [
  { what: 'a notice that the banner gives', from: '/**\n * @license', upTo: 'const proxyMarker' },
  {
    what: 'handlers of values, and origins, which the guard does not pass on',
    from: 'const throwTransferHandler = {',
    upTo: 'function expose(',
    instead: 'const transferHandlers = undefined;\n',
  },
  {
    what: 'empty messages, and everything that is no call of a method',
    from: 'if (!ev || !ev.data) {',
    upTo: '});\n    if (ep.start)',
    instead: `const { id, type, path, argumentList } = ev.data;
        if (type !== "APPLY") return;
        new Promise((resolve) => resolve(obj[path[0]](...argumentList.map(fromWireValue))))
            .then(toWireValue, thrownValue)
            .then((answer) => ep.postMessage({ ...answer, id }))
            .catch(() => ep.postMessage({ ...thrownValue(new TypeError("Unserializable return value")), id }));
    `,
  },
  {
    what: 'messages without an ID, and answers that nobody waits for',
    from: 'if (!data || !data.id) {',
    upTo: '});\n    return createProxy',
    instead: `const resolver = pendingListeners.get(data.id);
        pendingListeners.delete(data.id);
        resolver?.(data);
    `,
  },
  // In a page in the back/forward cache, a callback for collected garbage is script, for which Chromium throws the page out.
  {
    what: 'callbacks for collected garbage, and the count of remotes',
    from: 'const proxyCounter',
    upTo: 'function createProxy',
  },
  {
    what: 'remotes of everything but methods',
    from: 'let isProxyReleased = false;',
    upTo: 'function myFlat',
    instead: `return new Proxy(target, {
        get: (_target, method) => (...values) =>
            requestResponseMessage(ep, pendingListeners, {
                type: "APPLY",
                path: [method],
                argumentList: values.map(toWireValue),
            }).then(fromWireValue),
    });
}
`,
  },
  { what: 'what is transferred', from: 'function myFlat', upTo: 'function transfer(' },
  {
    what: 'what is not sent as it is, but for what is thrown',
    from: 'function toWireValue',
    upTo: 'function requestResponseMessage',
    instead: `function toWireValue(value) {
    return { type: "RAW", value };
}
function thrownValue(error) {
    const value = error instanceof Error
        ? { isError: true, value: { message: error.message, name: error.name, stack: error.stack } }
        : { isError: false, value: error };
    return { type: "HANDLER", name: "throw", value };
}
function fromWireValue({ type, value }) {
    if (type !== "HANDLER") return value;
    throw value.isError ? Object.assign(new Error(value.value.message), value.value) : value.value;
}
`,
  },
  {
    what: 'the list of what is transferred with a call',
    from: 'ep.postMessage(Object.assign({ id }, msg), transfers);',
    upTo: '\n    });',
    instead: 'ep.postMessage({ id, ...msg });',
  },
  {
    what: 'an ID of four numbers, where two are as good',
    from: 'return new Array(4)',
    upTo: '\n}\n\nexport',
    instead: 'return [Math.random(), Math.random()].join();',
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
