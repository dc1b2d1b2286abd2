import { tableOf, written } from './table.mjs'

/**
 * @typedef {object} Goal
 * @property {string} goal
 * @property {number | undefined} measured nothing where it was not measured
 * @property {'≥' | '≤'} sign
 * @property {number} bound
 * @property {string} unit
 */

/** The two hosts, as variants' names end. */
const HOSTS = ['', '-leader']

/**
 * What tabstream wants to reach, with what was measured side by side.
 *
 * @param {{ throughput?: any[], latency?: any[], hostile?: any, first?: any[], isolation?: any[], hidden?: any[] }} results
 * @returns {Goal[]}
 */
export function goalsOf({
  throughput = [],
  latency = [],
  hostile = {},
  first = [],
  isolation = [],
  hidden = [],
}) {
  const flood = (variant, tabs, key) =>
    throughput.find((each) => each.variant === variant && each.tabs === tabs && each.bytes === 150)?.[key]
  const delay = (variant, tabs) =>
    latency.find((each) => each.variant === variant && each.tabs === tabs && each.rate === 100)?.p50
  const rates = (variant, tabs, other, bound) => ({
    goal: `events/s, ${variant} : ${other}, ${tabs} tabs`,
    measured: quotient(flood(variant, tabs, 'rate'), flood(other, tabs, 'rate')),
    sign: '≥',
    bound,
    unit: '×',
  })
  const delays = (variant, tabs) => ({
    goal: `p50 at 100 events/s, ${variant} : relay, ${tabs} tabs`,
    measured: quotient(delay(variant, tabs), delay('relay', tabs)),
    sign: '≤',
    bound: 1.1,
    unit: '×',
  })
  const worst = ([kind, cases]) => ({
    goal: `cost of hostile ${kind} : friendly ones, the worst`,
    measured: Math.max(...cases.map(({ times }) => times)),
    sign: '≤',
    bound: 3,
    unit: '×',
  })
  const firstIn = (variant) => first.find((each) => each.variant === variant)?.times[0]
  return [
    ...Object.entries(hostile)
      .filter(([kind]) => kind !== 'takeovers')
      .map(worst),
    ...(hostile.takeovers ?? []).map(({ name, ms }) => ({
      goal: `longest block of a takeover, ${name}`,
      measured: ms,
      sign: '≤',
      bound: 100,
      unit: 'ms',
    })),
    ...['event-source', 'connect', 'event-source-leader'].map((variant) => ({
      goal: `first event of the first page, ${variant} − native`,
      measured: difference(firstIn(variant), firstIn('native')),
      sign: '≤',
      bound: 60,
      unit: 'ms',
    })),
    ...isolation.map(({ variant, times }) => ({
      goal: `p99 beside a blocked tab : beside none, ${variant}`,
      measured: times,
      sign: '≤',
      bound: 1.2,
      unit: '×',
    })),
    ...hidden.map(({ variant, share }) => ({
      goal: `CPU, 19 of 20 tabs hidden, 'batch' : 'live', ${variant}`,
      measured: share,
      sign: '≤',
      bound: 0.25,
      unit: '×',
    })),
    ...HOSTS.flatMap((host) => [
      rates(`connect${host}`, 6, 'native', 30),
      rates(`connect${host}`, 6, 'relay', 1.5),
      rates(`connect${host}`, 20, 'relay', 1.5),
      rates(`event-source${host}`, 6, 'native', 15),
      ...['connect', 'event-source'].flatMap((name) => [6, 20].map((tabs) => delays(`${name}${host}`, tabs))),
      ...['connect', 'event-source'].map((name) => ({
        goal: `p50 at 100 events/s, ${name}${host} in 20 tabs − native in 6`,
        measured: difference(delay(`${name}${host}`, 20), delay('native', 6)),
        sign: '≤',
        bound: 1.5,
        unit: 'ms',
      })),
      {
        goal: `CPU per delivery, connect${host} : relay, 6 tabs`,
        measured: quotient(flood(`connect${host}`, 6, 'microseconds'), flood('relay', 6, 'microseconds')),
        sign: '≤',
        bound: 0.7,
        unit: '×',
      },
    ]),
  ]
}

const quotient = (one, other) => (one > 0 && other > 0 ? one / other : undefined)
const difference = (one, other) => (one > 0 && other > 0 ? one - other : undefined)

/** @param {object} results */
export function goalsTable(results) {
  const goals = goalsOf(results).filter(({ measured }) => measured !== undefined)
  if (goals.length === 0) return ''
  const rows = goals.map(({ goal, measured, sign, bound, unit }) => {
    const isMet = sign === '≥' ? measured >= bound : measured <= bound
    return [goal, `${sign} ${bound} ${unit}`, `${written(measured)} ${unit}`, isMet ? 'met' : 'not met']
  })
  return tableOf('goals', ['', 'goal', 'measured', ''], rows)
}
