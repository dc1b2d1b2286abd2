import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './prepare.mjs'

// The first step of npm run build: a file whose source is gone must not be published. Apps that the test of consumers has
// installed in `build` stay.
for (const folder of ['build/src', 'build/worker', 'dist']) {
  rmSync(join(root, folder), { recursive: true, force: true })
}
