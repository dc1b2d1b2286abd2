import { parseArgs } from 'node:util'
import { SCENARIOS } from './scenarios.mjs'
import { variantOf } from './variants.mjs'

/**
 * @typedef {object} Options
 * @property {string[]} [only] `--only throughput,latency`: scenarios to run, see scenarios.mjs
 * @property {string[]} [variants] `--variants connect,relay`: see variants.mjs
 * @property {number[]} [tabs] `--tabs 6,20`: for throughput and latency
 * @property {number[]} [bytes] `--bytes 150`: of JSON in each event, for throughput
 * @property {number} [rounds] `--rounds 3`
 * @property {number} [events] `--events 100000`: of each flood, instead of as many as a second or so takes
 * @property {string} [dist] `--dist folder`: a build to measure instead of the checkout's
 * @property {boolean} isQuick `--quick`: less of everything, in three minutes instead of fifteen
 * @property {boolean} isSaved `--save`: writes figures.json, the plots, and the README's figures
 */

const WORDS = ['only', 'variants', 'tabs', 'bytes', 'rounds', 'events', 'dist']

/**
 * Reads the command line; ends the process where it makes no sense.
 *
 * @param {string[]} words
 * @returns {Options}
 */
export function optionsOf(words) {
  try {
    const strings = WORDS.map((word) => /** @type {const} */ ([word, { type: 'string' }]))
    const switches = { quick: { type: 'boolean', default: false }, save: { type: 'boolean', default: false } }
    const { values } = parseArgs({ args: words, options: { ...Object.fromEntries(strings), ...switches } })
    const list = (text) => text?.split(',')
    const only = list(values.only)
    const unknown = only?.find((name) => !(name in SCENARIOS))
    if (unknown) throw new Error(`no scenario "${unknown}"; there are ${Object.keys(SCENARIOS).join(', ')}`)
    const variants = list(values.variants)
    variants?.forEach(variantOf)
    return {
      only,
      variants,
      tabs: list(values.tabs)?.map(Number),
      bytes: list(values.bytes)?.map(Number),
      rounds: values.rounds && Number(values.rounds),
      events: values.events && Number(values.events),
      dist: values.dist,
      isQuick: values.quick,
      isSaved: values.save,
    }
  } catch (error) {
    console.error(error.message)
    process.exit(2)
  }
}
