import { describe, expect, test } from 'vitest'
import { adviceOn } from '../../../src/inspector/advice.ts'
import type { Answer } from '../../../src/inspector/hub.ts'
import { masked } from '../../../src/inspector/masked.ts'
import { Model } from '../../../src/inspector/model.ts'
import type { StreamLife } from '../../../src/link/protocol.ts'
import {
  answerOf,
  connectionLife,
  event,
  NOW,
  streamLife,
  streamReport,
  subscriptionLife,
  tabLife,
} from './answers.ts'

/** What is advised after these answers. */
function advised(...answers: Answer[]) {
  const model = new Model()
  for (const answer of answers) model.take(answer)
  const last = answers.at(-1) as Answer
  return adviceOn(last, model, ({ report }) => masked(report.url), masked)
}

const saidOf = (life: Partial<StreamLife>, report = {}) =>
  advised(answerOf({ streams: [[streamReport(report), { ...streamLife(), ...life }]] })).map(
    ({ says }) => says,
  )

const head = (...headers: [string, string][]) => ({
  connections: [connectionLife({ headers: [['cache-control', 'no-store'], ...headers] })],
})

describe('advice on a stream', () => {
  test('that looks well: none', () => {
    expect(saidOf(head(['content-type', 'text/event-stream']))).toEqual([])
  })

  test('without IDs', () => {
    expect(saidOf({}, { lastEventId: '' })).toEqual(['No IDs: a gap after each cut'])
    expect(saidOf({}, { lastEventId: '', logEvents: 0 })).toEqual([])
  })

  test('that is compressed', () => {
    expect(saidOf(head(['content-encoding', 'gzip']))).toEqual(['Compressed (gzip): may be buffered'])
    expect(saidOf(head(['content-encoding', 'identity']))).toEqual([])
  })

  test('behind nginx', () => {
    expect(saidOf(head(['server', 'nginx/1.28']))).toEqual(['Behind nginx: may be buffered'])
    expect(saidOf(head(['server', 'nginx/1.28'], ['x-accel-buffering', 'no']))).toEqual([])
  })

  test('that a cache may keep', () => {
    const connections = [connectionLife({ headers: [['content-type', 'text/event-stream']] })]
    expect(saidOf({ connections })).toEqual(['A cache may keep the stream'])
  })

  test('that the server did not resume', () => {
    const connections = [connectionLife({ resumeAfter: '41', outcome: 'gap' })]
    expect(saidOf({ connections })).toEqual(['The server did not resume after 41'])
  })

  test('that has been quiet for a minute, by what the server has sent', () => {
    const quiet = (bytes: number, at: number) => {
      const life = streamLife({ bytes, status: { ...streamLife().status, openedAt: NOW - 1_000 } })
      return answerOf({ at, streams: [[streamReport(), life]] })
    }
    const said = (...answers: Answer[]) => advised(...answers).map(({ says }) => says)
    expect(said(quiet(10, NOW), quiet(10, NOW + 59_000))).toEqual([])
    expect(said(quiet(10, NOW), quiet(10, NOW + 60_000))).toEqual(['No sign of life for 60 s'])
    expect(said(quiet(10, NOW), quiet(11, NOW + 30_000), quiet(11, NOW + 60_000))).toEqual([])
  })

  test('that fails again and again, without what is secret', () => {
    const message = 'GET https://dash.test/events?token=s3cret failed'
    const error = { message, status: 0, contentType: '', body: '' }
    const status = { ...streamLife().status, state: 'connecting' as const, attempt: 3, error, openedAt: 0 }
    const [advice, ...others] = advised(answerOf({ streams: [[streamReport(), streamLife({ status })]] }))
    expect(others).toEqual([])
    expect(advice?.says).toBe('3 attempts in a row have failed')
    expect(advice?.remedy).toContain('token=… failed')
    expect(saidOf({ status: { ...status, attempt: 2 } })).toEqual([])
  })

  test('whose connections end all the time', () => {
    const connections = [1, 2, 3, 4, 5].map((second) =>
      connectionLife({ begunAt: NOW - second * 10_000, endedAt: NOW - second * 9_000 }),
    )
    expect(saidOf({ connections })).toEqual(['5 connections have ended within a minute'])
    expect(saidOf({ connections: connections.slice(1) })).toEqual([])
  })

  test('that is gone: none', () => {
    const answer = answerOf({ streams: [[streamReport({ lastEventId: '' }), streamLife()]] })
    expect(advised(answer, answerOf())).toEqual([])
  })
})

describe('advice on origins', () => {
  const origin = { origin: 'https://dash.test', protocol: 'http/1.1', limit: 4, live: 4, parked: 1 }
  const said = (change: Partial<typeof origin>) =>
    advised(answerOf({ origins: [{ ...origin, ...change }] })).map(({ about, says }) => [about, says])

  test('with more streams than may connect at a time', () => {
    expect(said({})).toEqual([['https://dash.test', '5 streams on one HTTP/1.1 origin']])
    expect(said({ protocol: '' })).toHaveLength(1)
  })

  test('none where they fit, or the protocol takes any number', () => {
    expect([...said({ parked: 0 }), ...said({ protocol: 'h2' })]).toEqual([])
  })
})

describe('advice on tabs', () => {
  const stream = streamLife({
    entries: [1, 2, 3].map((seq) => event(seq, 'a', '')),
    arrivals: [[3, NOW - 3_000]],
  })
  const said = (next: number, tab = {}) =>
    advised(
      answerOf({
        streams: [[streamReport(), stream]],
        tabs: [tabLife({ subscriptions: [subscriptionLife({ next })], ...tab })],
      }),
    ).map(({ about, says, remedy }) => [about, says, remedy.split('.')[0]])

  test('that are slow', () => {
    expect(said(2)).toEqual([
      ['Tab abcdef', 'A tab is slow: 3 s behind in https://dash.test/events', '2 events wait'],
    ])
    expect(said(2, { isYou: true })[0]?.[0]).toBe('This tab')
    expect(said(4)).toEqual([])
  })

  test('that do not answer', () => {
    expect(said(4, { silentSince: NOW - 5_000 })[0]?.[1]).toBe('Has not answered for 5 s')
    expect(said(4, { silentSince: NOW - 500 })).toEqual([])
    expect(said(4, { silentSince: NOW - 5_000, isVisible: false })).toEqual([])
  })
})

describe('advice on the page', () => {
  const said = (told: Parameters<typeof answerOf>[0]) => advised(answerOf(told)).map(({ says }) => says)

  test('that is alone, with the reason', () => {
    const refused = [
      { host: 'shared-worker' as const, reason: 'no SharedWorker for https://dash.test/w.js?k=s3cret' },
    ]
    const [advice] = advised(answerOf({ host: 'direct', refused }))
    expect(advice?.says).toBe('Shares with no other tab')
    expect(advice?.remedy).toContain('no SharedWorker for https://dash.test/w.js?k=…')
  })

  test('that is offline by a panel, or hears what makes no sense', () => {
    expect(said({ isOffline: true })).toEqual(['Offline: a panel has asked for it'])
    expect(said({ malformed: 2 })).toEqual(['2 messages made no sense'])
  })
})

test('each advice says what to do, and has a key of its own', () => {
  const life = { ...streamLife(), connections: [connectionLife({ headers: [['content-encoding', 'br']] })] }
  const all = advised(
    answerOf({
      host: 'direct',
      malformed: 1,
      streams: [
        [streamReport({ lastEventId: '' }), life],
        [streamReport({ lastEventId: '' }), { ...life, id: 'log-2' }],
      ],
    }),
  )
  expect(new Set(all.map(({ key }) => key)).size).toBe(all.length)
  expect(all.length).toBeGreaterThan(6)
  for (const { remedy } of all) expect(remedy).toMatch(/^[A-Z0-9].*\.$/)
})
