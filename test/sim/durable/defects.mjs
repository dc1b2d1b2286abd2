/** Defects of Durable Streams. @type {import('../defects.mjs').Mutant[]} */
export const durableMutants = [
  {
    name: 'known IDs not given again',
    file: 'worker/source/durable.ts',
    find: 'id: this.#known.get(this.#count) ?? id',
    replace: 'id',
    defect:
      'Where batches are divided otherwise than before, known events come under other IDs: a gap, and doubles.',
    test: 'test/unit/source/durable.test.ts',
  },
  {
    name: 'history that is gone not told',
    file: 'worker/source/durable.ts',
    find: '      deniesResumption: this.#isAnew,\n',
    replace: '      deniesResumption: false,\n',
    defect: 'A server has no history any more that goes on from the offset, and no page is told of a gap.',
    test: 'test/unit/source/durable.test.ts',
  },
  {
    name: 'beginning without an ID',
    file: 'worker/source/durable.ts',
    find: "if (this.#connection.resumeAfter === '' && this.#offset !== NOW)",
    replace: "if (this.#connection.resumeAfter === '' && this.#offset === NOW)",
    defect:
      'A first answer that breaks off within its first message leaves nothing to resume after: a gap, although nothing is missing.',
    test: 'test/unit/source/durable-conformance.test.ts',
  },
  {
    name: 'listeners left at the signal of a connection',
    file: 'worker/source/durable.ts',
    find: "      signal.removeEventListener('abort', end)\n",
    replace: '',
    defect:
      'Each round of long-polling leaves a listener and what it holds, for as long as the connection lasts.',
    test: 'test/unit/source/durable.test.ts',
  },
  {
    name: 'answers left open that are no stream',
    file: 'worker/source/durable.ts',
    find: '      abort.abort()\n',
    replace: '',
    defect: 'An event stream of another kind stays open for each attempt to read it as a Durable Stream.',
    test: 'test/unit/source/durable-conformance.test.ts',
  },
  {
    name: 'line breaks of JSON kept',
    file: 'worker/source/durable.ts',
    find: "message.replace(LINE_BREAKS, '')",
    replace: 'message',
    defect:
      'A message comes with other data by an event stream than in another answer, so it is not known again: a gap, and it comes twice.',
    test: 'test/unit/source/durable-conformance.test.ts',
  },
  {
    name: 'empty body of JSON not taken',
    file: 'worker/source/durable.ts',
    find: 'const hasNothing = size === 0 &&',
    replace: 'const hasNothing = size < 0 &&',
    defect: 'A server whose body is empty where nothing is new cannot be read.',
    test: 'test/unit/source/durable-conformance.test.ts',
  },
  {
    name: 'empty body of JSON taken for a batch',
    file: 'worker/source/durable.ts',
    find: '&& next === this.#offset',
    replace: '',
    defect: 'A batch whose body has been lost on its way is lost for good.',
    test: 'test/unit/source/durable-conformance.test.ts',
  },
  {
    name: 'byte order marks dropped',
    file: 'worker/source/durable.ts',
    find: '{ ignoreBOM: true }',
    replace: '{}',
    defect:
      'Text that begins with such a mark comes without it, so characters behind it are counted otherwise than before.',
    test: 'test/unit/source/durable-conformance.test.ts',
  },
  {
    name: "a page's own offset asked for again and again",
    file: 'worker/source/durable.ts',
    find: 'new FailedError(BEGUN_ANEW.message, { isFinal: true })',
    replace: 'BEGUN_ANEW',
    defect: 'An offset behind the end of the stream is asked for without end.',
    test: 'test/unit/source/durable-conformance.test.ts',
  },
  {
    name: 'comma behind the last message',
    file: 'worker/source/elements.ts',
    find: "if (element !== '' || !this.#isOver) elements.push(element)",
    replace: "if (element !== '' || !this.#isOver || text.includes(',')) elements.push(element)",
    defect: 'Events as in the example of the protocol cannot be read.',
    test: 'test/unit/source/durable-conformance.test.ts',
  },
]
