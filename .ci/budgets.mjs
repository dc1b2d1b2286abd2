import { measureSizes } from '../test/bench/sizes.mjs'

// The last step of npm run build: fails where an entry weighs more than it may.

/** Bytes, compressed by brotli at quality 11. The README states what there is. */
const BUDGETS = {
  SharedEventSource: 8_990,
  connect: 11_800,
  defineStream: 12_750,
  'tabstream/inspector': 14_000,
  'tabstream/react': 600,
  'tabstream/solid': 600,
  'tabstream/source': 1_700,
  'define-source.js': 2_600,
  'tabstream/svelte': 600,
  'tabstream/testing': 3_900,
  'tabstream/topics': 1_260,
  'tabstream/vue': 600,
  'tabstream/websocket': 2_350,
  'topics-source.js': 10_340,
  'websocket-source.js': 4_560,
  'tabstream/durable': 700,
  'durable-source.js': 6_140,
  'tabstream/lines': 800,
  'lines-source.js': 5_350,
  useSharedEventSource: 600,
  'worker.js': 28_230,
  'hub.js': 28_270,
  'tabstream.global.js': 42_410,
  'standalone.js': 42_350,
}

const sizes = await measureSizes()
for (const [name, budget] of Object.entries(BUDGETS)) {
  const brotli = sizes[name]?.brotli
  if (brotli !== undefined && brotli <= budget) continue
  console.error(`Over budget: ${name} is ${brotli} bytes with brotli, and may be ${budget}.`)
  process.exitCode = 1
}
