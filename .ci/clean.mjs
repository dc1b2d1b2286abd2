import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './prepare.mjs'

// The first step of npm run build: a file whose source is gone must not be published.
for (const folder of ['build', 'dist']) rmSync(join(root, folder), { recursive: true, force: true })
