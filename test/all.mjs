import { prepare } from '../.ci/prepare.mjs'
import { runParts } from './parts.mjs'
import {
  browserAlone,
  browserTogether,
  consumers,
  engines,
  lint,
  mutants,
  runners,
  servers,
  unitAndSimulation,
} from './suites.mjs'

// npm run test:all: everything, which is what CI runs.

prepare()
await runParts([
  unitAndSimulation,
  browserTogether,
  browserAlone,
  lint,
  mutants,
  engines,
  servers,
  runners,
  consumers,
])
