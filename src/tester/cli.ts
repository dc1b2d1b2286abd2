import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { run } from './run.ts'

const { version } = createRequire(import.meta.url)('../package.json') as { version: string }

// Whoever reads only the beginning, as `head` does, wants nothing more.
process.stdout.on('error', () => process.exit())

process.exitCode = await run(process.argv.slice(2), version, {
  write: (text) => void process.stdout.write(text),
  complain: (text) => void process.stderr.write(text),
  onEnter: (act) => {
    const lines = createInterface({ input: process.stdin }).on('line', act)
    return () => lines.close()
  },
})
