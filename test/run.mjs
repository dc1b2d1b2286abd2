import { prepare } from '../.ci/prepare.mjs'
import { runParts } from './parts.mjs'
import { chosen, essentialBrowser, unitAndShortSimulation } from './suites.mjs'

// npm test                         what must hold at any time, in a few minutes
// npm test -- --project browser    arguments go to Vitest, which then chooses from all tests

prepare()
const args = process.argv.slice(2)
await runParts(args.length > 0 ? [chosen(args)] : [unitAndShortSimulation, essentialBrowser])
