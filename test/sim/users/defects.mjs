/**
 * Defects that give a page what is another's, or keep its own from it. The simulation of users must notice.
 *
 * @type {import('../defects.mjs').Mutant[]}
 */
export const userMutants = [
  {
    name: 'anybody takes a lingering stream up',
    file: 'worker/hub.ts',
    find: "if (request.key !== '' || position?.log === id) return true",
    replace: 'if (request.key.length >= 0 || position?.log === id) return true',
    defect: 'The next page is given the stream of one whose user has logged out.',
  },
  {
    name: 'the same page takes a lingering stream up at any time',
    file: 'worker/hub.ts',
    find: 'left?.tab === tab && renews.includes(left.subscription)',
    replace: 'left?.tab === tab && renews.length >= 0',
    defect: 'After a log-in the page goes on with the former user’s connection.',
  },
  {
    name: 'a closed subscription is remembered',
    file: 'src/page/client.ts',
    find: '      this.#justClosed = []\n',
    replace: '',
    defect: 'What is opened much later counts as rendered anew.',
  },
  {
    name: 'replay from before it was taken up',
    file: 'worker/hub.ts',
    find: '  stream.seal()\n',
    replace: '',
    defect: 'A component that is rendered anew is given what came before.',
  },
  {
    name: 'nothing is an identity',
    file: 'src/api/by-headers.ts',
    find: "      if (headers.every(([name]) => name === 'content-type')) key = own\n",
    replace: '',
    defect: 'Pages that are not signed in yet share a stream.',
  },
  {
    name: 'who gives other headers stays',
    file: 'worker/stream/details.ts',
    find: '      if (!hasKey && (taken ?? details) !== undefined) questions.holder?.part()\n',
    replace: '',
    defect: 'Pages share for ever whose first headers were equal.',
  },
  {
    name: 'only one page is asked for its headers',
    file: 'worker/stream/details.ts',
    find: "const hasKey = stream.request.key !== ''",
    replace: 'const hasKey = true',
    defect: 'Others are given the events of whoever is asked.',
  },
  {
    name: 'events come before the page has answered',
    file: 'worker/delivery/cursor.ts',
    find: '    if (this.questions.awaited !== undefined) return\n',
    replace: '',
    defect: 'A page that is slow to answer is given what is another’s.',
  },
  {
    name: 'a stream keeps the name of its first headers',
    file: 'worker/hub.ts',
    find: '        this.#streams.set(listed, stream)\n',
    replace: '        this.#streams.set((listed = identityOf(stream.request)), stream)\n',
    defect: 'A page is let in that gives what the connection once had.',
  },
  {
    name: 'replay from before the headers changed',
    file: 'worker/hub.ts',
    find: '        if (identity !== listed) stream.seal()\n',
    replace: '',
    defect: 'A newcomer is given what came while the stream had other headers.',
  },
  {
    name: 'a page asks for what it gave first',
    file: 'src/page/page-subscription.ts',
    find: 'request: latest?.() ?? this.#request',
    replace: 'request: this.#request',
    defect: 'A page that parts comes back to the stream that it has left.',
  },
  {
    name: 'an answer is given again',
    file: 'src/api/by-headers.ts',
    find: "reason === 'connect' && isFresh && given",
    replace: 'given',
    defect: 'A page goes on under the headers of its former user.',
    // A page must be asked twice within ten seconds and be another user's in between, which schedules hardly ever have.
    test: 'test/unit/api/connect.test.ts',
  },
  {
    name: 'keys are not told apart',
    file: 'worker/hub.ts',
    find: 'body, headers, key, asksHeaders, asksUrl, resume, follows])',
    replace: 'body, headers, asksHeaders, asksUrl, resume, follows])',
    defect: 'Streams of all keys are one.',
  },
  {
    name: 'who parts is not told',
    file: 'worker/stream/page-questions.ts',
    find: '    this.#tab.part(this.#subscription)\n',
    replace: '',
    defect: 'A page that has parted hears nothing any more.',
  },
  {
    name: 'the page whose headers were refused is asked first',
    file: 'worker/stream/details.ts',
    find: '(isUnauthorized ? page !== asked.first : page === asked.last)',
    replace: '(page === asked.last)',
    defect:
      'After a refusal the page is asked again whose headers were refused, although another may have better ones.',
    test: 'test/unit/api/headers.test.ts',
  },
  {
    name: 'other pages are not asked after a refusal',
    file: 'worker/stream/connection.ts',
    find: 'some(({ questions: { page } }) => !this.#asked.refused.has(page))',
    replace: 'some(() => this.#asked.refused.size === 0)',
    defect: 'A stream ends although a page has headers that are good.',
    test: 'test/unit/api/headers.test.ts',
  },
].map((mutant) => ({ ...mutant, plays: 'users' }))
