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
]
