/** Defects of streams of lines. @type {import('../defects.mjs').Mutant[]} */
export const lineMutants = [
  {
    name: 'line in two pieces lost',
    file: 'worker/source/texts.ts',
    find: '    this.#unfinished.add(text.slice(end + 1))\n',
    replace: '',
    defect: 'The beginning of a line is lost that comes with the end of another one.',
    plays: 'lines',
  },
  {
    name: 'parameter to resume by left out',
    file: 'worker/source/line-stream.ts',
    find: 'resumingBy(query, connection)',
    replace: 'connection',
    defect: 'A server that is told by its URL where to go on begins anew each time.',
    plays: 'lines',
  },
  {
    name: 'line that was cut taken for complete',
    file: 'worker/source/line-stream.ts',
    find: "    return isComplete ? text : ''\n",
    replace: '    return text\n',
    defect: 'Half a line is an event without an ID, where a response has ended within it.',
    plays: 'lines',
  },
  {
    name: 'numbers no IDs',
    file: 'worker/source/frame.ts',
    find: 'WHOLE.test(json) ? json : idOf(unquoted(json) ?? numberIn(json))',
    replace: 'idOf(unquoted(json))',
    defect: 'Where IDs are numbers of JSON, nothing can be resumed after.',
    plays: 'lines',
  },
]
