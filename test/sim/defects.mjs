/**
 * Tabstream with one defect.
 *
 * @typedef {object} Mutant
 * @property {string} name
 * @property {string} file
 * @property {string} find occurs just once in the file
 * @property {string} replace
 * @property {string} defect what is wrong with it
 * @property {number[]} [seeds] more of them where it takes a rare schedule
 */

/** @type {Mutant[]} */
export const mutants = [
  {
    name: 'window unlimited',
    file: 'worker/cursor.ts',
    find: 'this.#inFlight < WINDOW',
    replace: 'true',
    defect: 'A tab that does not acknowledge is sent batch after batch.',
  },
  {
    name: 'acknowledgement not counted',
    file: 'worker/cursor.ts',
    find: '        this.#inFlight--\n',
    replace: '',
    defect: 'After two batches a tab is sent nothing any more.',
  },
  {
    name: 'no name filter',
    file: 'worker/cursor.ts',
    find: '    if (!this.names.has(entry.name)) return false\n',
    replace: '',
    defect: 'A tab is sent names that it does not listen to.',
  },
  {
    name: 'no name filter when repositioned',
    file: 'worker/cursor.ts',
    find: '    if (!this.names.has(entry.name)) return false\n',
    replace:
      '    if (!this.names.has(entry.name) && this.#subscription.position === undefined) return false\n',
    defect: 'The filter is forgotten where a subscription goes on from a position.',
  },
  {
    name: 'cursor one too early',
    file: 'worker/cursor.ts',
    find: 'return Math.max(position.seq + 1, log.firstSeq)',
    replace: 'return Math.max(position.seq, log.firstSeq)',
    defect: 'A repositioned cursor brings the last event again.',
  },
  {
    name: 'cursor one too late',
    file: 'worker/cursor.ts',
    find: 'return Math.max(position.seq + 1, log.firstSeq)',
    replace: 'return Math.max(position.seq + 2, log.firstSeq)',
    defect: 'A repositioned cursor leaves one event out.',
  },
  {
    name: 'newcomer one too late',
    file: 'worker/cursor.ts',
    find: 'log.lastSeq + 1 : former.#joinSeq',
    replace: 'log.lastSeq + 2 : former.#joinSeq',
    defect: 'A newcomer misses the first event.',
  },
  {
    name: 'no deduplication after a takeover',
    file: 'worker/cursor.ts',
    find: "verdict !== 'seen' && this.#matters(entry)",
    replace: 'this.#matters(entry)',
    defect: 'What a new hub receives again is dispatched again.',
  },
  {
    name: 'no gap after a takeover',
    file: 'worker/cursor.ts',
    find: "if (verdict === 'gap') entries.push",
    replace: 'if (false) entries.push',
    defect: 'A replay that does not join what a tab knows is passed on without a word.',
  },
  {
    name: 'no gap for a slow tab',
    file: 'worker/cursor.ts',
    find: "      this.#fallBehind('slow-tab')\n",
    replace: '',
    defect: 'A cursor that has fallen off the log goes on without a word.',
  },
  {
    name: 'gap for every tab that comes back',
    file: 'worker/cursor.ts',
    find: "if (position.seq + 1 < log.firstSeq) this.#fallBehind('asleep')",
    replace: "this.#fallBehind('asleep')",
    defect: 'A tab whose place is still in the log is told of a gap.',
  },
  {
    name: 'any replay is trusted',
    file: 'worker/cursor.ts',
    find: '() => this.#stream.hasResumedFrom(position),',
    replace: '() => true,',
    defect: 'A server that was asked to resume elsewhere is taken at its word.',
  },
  {
    name: 'no patience with a replay',
    file: 'worker/cursor.ts',
    find: "if (this.#knowsLaterThan(event.seq, resumption)) return 'seen'",
    replace: '',
    defect: 'A tab that stood further ahead than the oldest is told of a gap.',
  },
  {
    name: 'position of a hub not joined',
    file: 'worker/cursor.ts',
    find: 'if (this.#resumption !== undefined && position !== undefined) return position',
    replace: '',
    defect: 'A tab is told that it stands in a log which has not reached its position yet.',
  },
  {
    name: 'dead tab kept',
    file: 'worker/hub.ts',
    find: 'async () => this.detach()',
    replace: 'async () => {}',
    defect: 'A tab whose lock is released stays attached.',
  },
  {
    name: 'silent tab kept',
    file: 'worker/hub.ts',
    find: 'if (this.#missed === PINGS_MISSED) return this.detach()',
    replace: '',
    defect: 'Without locks a tab that answers no ping stays attached.',
  },
  {
    name: 'URL not part of the identity',
    file: 'worker/hub.ts',
    find: 'JSON.stringify([url, credentials])',
    replace: 'JSON.stringify([credentials, url.length])',
    defect: 'Different URLs share a stream.',
  },
  {
    name: 'credentials not part of the identity',
    file: 'worker/hub.ts',
    find: 'JSON.stringify([url, credentials])',
    replace: 'JSON.stringify([url, credentials.length > 0])',
    defect: 'Requests with and without cookies share a stream.',
  },
  {
    name: 'nothing shared',
    file: 'worker/hub.ts',
    find: 'this.#streams.get(identity) ?? this.#createStream',
    replace: 'this.#createStream',
    defect: 'Each subscription has a connection of its own.',
  },
  {
    name: 'positions not gathered',
    file: 'worker/stream.ts',
    find: "    if (this.#connections > 0 || position.resumeAfter === '') return\n",
    replace: '    return\n',
    defect: 'A new hub does not resume from where the tabs of the dead one stood.',
  },
  {
    name: 'never closed',
    file: 'worker/stream.ts',
    find: '    this.#linger = this.#platform.setTimeout(() => this.#close(), LINGER)\n',
    replace: '',
    defect: 'The connection outlives its last subscriber for good.',
  },
  {
    name: 'no deduplication after a cut',
    file: 'worker/stream.ts',
    find: "      if (verdict === 'seen') return\n",
    replace: '',
    defect: 'What a reconnection brings again goes into the log again.',
  },
  {
    name: 'no gap after a cut',
    file: 'worker/stream.ts',
    find: "      if (verdict !== 'new') this.#gap(",
    replace: '      if (false) this.#gap(',
    defect: 'A reconnection that does not join the log is passed on without a word.',
  },
  {
    name: 'gap after every cut',
    file: 'worker/stream.ts',
    find: "      if (verdict !== 'new') this.#gap(",
    replace: '      this.#gap(',
    defect: 'A reconnection that joins the log raises a gap.',
  },
  {
    name: 'newest ID sent',
    file: 'worker/resumption.ts',
    find: '    if (bringsOtherId && (hasUnnumbered || !mixed)) {',
    replace: '    if (false) {',
    defect: 'The server is asked to resume after the last event, so that nothing proves that it did.',
  },
  {
    name: 'place without digest',
    file: 'worker/resumption.ts',
    find: 'one.id === other.id && one.nth === other.nth && one.digest === other.digest',
    replace: 'one.id === other.id && one.nth === other.nth',
    defect: 'Events of the same ID are taken for one.',
  },
  {
    name: 'log not trimmed',
    file: 'worker/log.ts',
    find: '    this.#trim()\n    return',
    replace: '    return',
    defect: 'The log grows without bound.',
  },
  {
    name: 'acknowledged before dispatch',
    file: 'src/page-subscription.ts',
    find: '      this.#pending.push({ batch, done, next: 0 })\n',
    replace: '      this.#pending.push({ batch, done, next: 0 })\n      done()\n',
    defect: 'A page asks for more before it has dispatched what it has.',
  },
  {
    name: 'batches of a former epoch taken',
    file: 'src/page-subscription.ts',
    find: 'this.#isClosed || batch.epoch !== this.#epoch',
    replace: 'this.#isClosed',
    defect: 'What was filtered by the names of before is dispatched, and then comes again.',
  },
  {
    name: 'pending batches dropped with the hub',
    file: 'src/page-subscription.ts',
    find: '    this.#isNewHub = true\n    this.#epoch++\n',
    replace: '    this.#isNewHub = true\n    this.#epoch++\n    this.#pending = []\n',
    defect: 'What had arrived from a hub that died is forgotten, though the position counts it.',
  },
  {
    name: 'lost lock ignored',
    file: 'src/client.ts',
    find: 'async () => this.#lose(link))\n',
    replace: 'async () => {})\n',
    defect: 'A page does not notice at once that its hub is dead.',
  },
  {
    name: 'subscriptions not taken along',
    file: 'src/client.ts',
    find: '      subscription.reattach()\n',
    replace: '',
    defect: 'A page that has found a new hub asks it for nothing.',
  },
  {
    name: 'wedged hub never left',
    file: 'src/client.ts',
    find: 'const generation = this.#generation + (attempt > ATTEMPTS ? 1 : 0)',
    replace: 'const generation = this.#generation',
    defect: 'A hub that does not answer is asked again and again.',
  },
  {
    name: 'cached page never comes back',
    file: 'src/client.ts',
    find: '    this.#isAway = false\n',
    replace: '',
    defect: 'A page that returns from the back/forward cache stays detached.',
  },
]
