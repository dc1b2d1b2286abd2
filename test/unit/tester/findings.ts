import { type Findings, Tester, type TestOptions } from '../../../src/tester/tester.ts'

/** What the tester finds at this URL. It is not patient. */
export const findingsAt = (url: string, options: Partial<TestOptions> = {}): Promise<Findings> =>
  new Tester({
    url,
    method: 'GET',
    headers: [],
    body: undefined,
    cookie: '',
    origin: '',
    cutAfter: 5,
    duration: 3_000,
    patience: 200,
    hasEnough: () => true,
    watch: { begun: () => {}, opened: () => {}, framed: () => {}, ended: () => {} },
    ...options,
  }).run()
