/** Size of one panel and the space around its axes, in pixels. */
const WIDTH = 330
const HEIGHT = 220
const LEFT = 58
const RIGHT = 24
const TOP = 34
const BOTTOM = 44
/** These stand out from white and from near-black alike. */
const INK = '#7d8590'
const LINE = '#3b82f6'
const MIB = 2 ** 20

const AXES = {
  tabs: 'tabs',
  names: 'names of events listened to',
  streams: 'streams',
  log: 'events before (the log keeps 16,384)',
}

/**
 * One picture for each thing that grows, by its file's name: what it costs the hub in CPU time and in memory.
 *
 * @param {{ cost?: { axis: string, point: number, hub: number, heap: number }[] }} results
 * @returns {Record<string, string>} SVG
 */
export function plotsOf({ cost = [] }) {
  const axes = Object.entries(AXES).filter(([axis]) => cost.some((each) => each.axis === axis))
  return Object.fromEntries(
    axes.map(([axis, label]) => {
      const points = cost.filter((each) => each.axis === axis)
      const processor = points.map(({ point, hub }) => [point, hub])
      const heap = points.map(({ point, heap }) => [point, heap / MIB])
      return [
        `cost-${axis}`,
        svgOf(
          [panel('hub CPU time, µs per event', label, processor), panel('hub heap, MiB', label, heap)],
          label,
        ),
      ]
    }),
  )
}

/** @param {string[]} panels @param {string} label */
function svgOf(panels, label) {
  const placed = panels.map((panel, index) => `<g transform="translate(${index * WIDTH} 0)">${panel}</g>`)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${panels.length * WIDTH} ${HEIGHT}" width="${panels.length * WIDTH}" height="${HEIGHT}" font-family="system-ui, sans-serif" font-size="11" fill="${INK}" role="img">
<title>What the hub costs, by ${label}</title>
${placed.join('\n')}
</svg>
`
}

/** One line through points, both axes linear from 0. @param {string} title @param {string} label @param {number[][]} points */
function panel(title, label, points) {
  const across = scaleOf(
    points.map(([x]) => x),
    LEFT,
    WIDTH - RIGHT,
  )
  const up = scaleOf(
    points.map(([, y]) => y),
    HEIGHT - BOTTOM,
    TOP,
  )
  const path = points.map(([x, y]) => `${across.place(x)},${up.place(y)}`).join(' ')
  return [
    `<text x="${LEFT}" y="18" font-size="12" font-weight="600">${title}</text>`,
    ...up.ticks.map(
      (tick) =>
        `<path d="M${LEFT} ${up.place(tick)}H${WIDTH - RIGHT}" stroke="${INK}" stroke-opacity="${tick === 0 ? 1 : 0.3}"/><text x="${LEFT - 6}" y="${up.place(tick) + 4}" text-anchor="end">${tick.toLocaleString('en')}</text>`,
    ),
    ...across.ticks.map(
      (tick) =>
        `<text x="${across.place(tick)}" y="${HEIGHT - BOTTOM + 16}" text-anchor="middle">${tick.toLocaleString('en')}</text>`,
    ),
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 10}" text-anchor="middle">${label}</text>`,
    `<polyline points="${path}" fill="none" stroke="${LINE}" stroke-width="2" stroke-linejoin="round"/>`,
    ...points.map(([x, y]) => `<circle cx="${across.place(x)}" cy="${up.place(y)}" r="3" fill="${LINE}"/>`),
  ].join('\n')
}

/** From values to pixels, with round ticks. @param {number[]} values @param {number} from @param {number} to */
function scaleOf(values, from, to) {
  const greatest = Math.max(...values)
  const rough = greatest / 4
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * [1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough)
  const count = Math.ceil(greatest / step)
  const ticks = Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(6)))
  const place = (value) => Number((from + ((to - from) * value) / (count * step)).toFixed(1))
  return { ticks, place }
}
