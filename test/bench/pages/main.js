import { Meter, now } from './meter.js'

const { variant, host, hidden } = Object.fromEntries(new URLSearchParams(location.search))
/** Opens a source; what comes back, if anything, tells whether this page holds the connection for others. */
const { open } = await import(`./variant-${variant}.js`)
let isLeader = async () => false

/** What the runner calls. */
globalThis.bench = {
  meter: new Meter(),
  /** Returns the time in ms since 1970 just before the source was opened. */
  subscribe(url, names) {
    const begun = now()
    isLeader = open({ url, names, host, hidden, meter: this.meter }) ?? isLeader
    return begun
  },
  isLeader: () => isLeader(),
}
