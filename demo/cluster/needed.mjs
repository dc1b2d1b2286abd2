import { spawnSync } from 'node:child_process'

// Runs before anything is installed: Node's own modules only.

/** Programs that the cluster needs, and Debian's packages of them. */
const PROGRAMS = { 'redis-server': 'redis-server', nginx: 'nginx-light' }

/** Debian's packages of the programs that are not there. */
export const missingPackages = () =>
  Object.entries(PROGRAMS)
    .filter(([program]) => spawnSync(program, ['-v']).error !== undefined)
    .map(([, name]) => name)
