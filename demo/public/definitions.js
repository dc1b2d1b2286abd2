import { diskSize, duration, memorySize, percent, plain, rate } from './format.js'

/**
 * @typedef {object} Figure
 * @property {string} label
 * @property {string} [color]
 * @property {(sample: any) => number | null} [read] gives it a line in the plot
 * @property {(sample: any) => string} [text] where the formatted value of the line does not suit
 *
 * @typedef {import('./plot.js').Line & { read: (sample: any) => number | null }} ReadLine
 *
 * @typedef {{ color: string, part: number }} Bar
 *
 * @typedef {object} PlotDefinition
 * @property {string} title
 * @property {Figure[]} figures the first one's line is filled
 * @property {(value: number) => string} format
 * @property {number} [top] of the plot; without it the plot fits what it shows
 * @property {number} [leastTop] keeps the noise of an idle machine from filling the plot
 * @property {(sample: any) => string} detail the words below the plot
 * @property {(sample: any) => Bar[]} [bars] beside the detail; `part` is of 1
 * @property {(sample: any) => ReadLine[]} [lines] further ones, below those of the figures
 */

/** Where the system does not tell. */
export const unknown = 'unknown'

// Many lines are fainter, or they would bury the total.
/** @param {number} index @param {number} count @param {number} [strength] of 1 */
const coreColor = (index, count, strength = 1) => `hsl(${205 + (130 * index) / count} 60% 62% / ${strength})`

/** @param {number[]} cores */
const busiestCore = (cores) => {
  const most = Math.max(...cores)
  return `${percent(most)} (#${cores.indexOf(most) + 1})`
}

/** @type {PlotDefinition} */
const cpu = {
  title: 'CPU',
  figures: [
    { label: 'Total', color: '--series-1', read: ({ total }) => total },
    { label: 'Busiest core', text: ({ cores }) => busiestCore(cores) },
    { label: 'Cores', text: ({ cores }) => String(cores.length) },
  ],
  format: percent,
  top: 100,
  detail: () => 'Each core',
  bars: ({ cores }) =>
    Array.from(cores, (load, index) => ({ color: coreColor(index, cores.length), part: load / 100 })),
  lines: ({ cores: { length } }) =>
    Array.from({ length }, (_, index) => {
      return {
        color: coreColor(index, length, Math.min(1, Math.max(0.25, 6 / length))),
        width: 1,
        read: ({ cores }) => cores[index] ?? null,
      }
    }),
}

/** @type {PlotDefinition} */
const memory = {
  title: 'Memory',
  figures: [
    {
      label: 'In use',
      color: '--series-1',
      read: ({ used, total }) => (used / total) * 100,
      text: ({ used }) => memorySize(used),
    },
    {
      label: 'With cache',
      color: '--series-2',
      read: ({ used, cache, total }) => ((used + cache) / total) * 100,
      text: ({ used, cache }) => memorySize(used + cache),
    },
    { label: 'Available', text: ({ available }) => memorySize(available) },
  ],
  format: percent,
  top: 100,
  detail: ({ total, swaptotal, swapused }) =>
    `${memorySize(total)} in all, ${swaptotal ? `swap ${percent((swapused / swaptotal) * 100)}` : 'no swap'}`,
}

/** @type {PlotDefinition} */
const network = {
  title: 'Network',
  figures: [
    { label: 'Received', color: '--series-1', read: ({ received }) => received },
    { label: 'Sent', color: '--series-2', read: ({ sent }) => sent },
    { label: 'Loopback', color: '--series-3', read: ({ loopback }) => loopback },
  ],
  format: rate,
  leastTop: 10_000,
  detail: ({ interfaces }) => (interfaces.length ? interfaces.join(', ') : 'Loopback only'),
}

/** @param {{ used: number, size: number }} fileSystem */
const fullness = ({ used, size }) => used / size

/** @type {PlotDefinition} */
const disk = {
  title: 'Disk',
  figures: [
    { label: 'Read', color: '--series-1', read: ({ read }) => read },
    { label: 'Written', color: '--series-2', read: ({ written }) => written },
    { label: 'Full', text: ({ fileSystem }) => (fileSystem ? percent(fullness(fileSystem) * 100) : unknown) },
  ],
  format: rate,
  leastTop: 100_000,
  detail: ({ fileSystem }) =>
    fileSystem ? `${fileSystem.mount} ${diskSize(fileSystem.used)} of ${diskSize(fileSystem.size)}` : '',
  bars: ({ fileSystem }) => (fileSystem ? [{ color: 'var(--muted)', part: fullness(fileSystem) }] : []),
}

/** @type {PlotDefinition} */
const load = {
  title: 'Load average',
  figures: [
    { label: '1 minute', color: '--series-1', read: ({ one }) => one },
    { label: '5 minutes', color: '--series-2', read: ({ five }) => five },
    { label: '15 minutes', color: '--series-3', read: ({ fifteen }) => fifteen },
  ],
  format: plain,
  leastTop: 1,
  detail: ({ host, uptime }) => `${host}, up ${duration(uptime)}`,
}

/** In the order of the page; each key is the name of the event that feeds the panel. */
export const plotDefinitions = { cpu, memory, network, disk, load }
