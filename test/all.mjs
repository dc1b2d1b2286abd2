import { prepare } from '../.ci/prepare.mjs'
import { runParts } from './parts.mjs'
import {
  consumers,
  engines,
  lint,
  mutants,
  runners,
  servers,
  unitAndSimulation,
  wholeBrowser,
} from './suites.mjs'

// npm run test:all: everything, which is what CI runs.

prepare()
await runParts([unitAndSimulation, wholeBrowser, lint, mutants, engines, servers, runners, consumers])
