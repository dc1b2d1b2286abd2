import uPlot from 'uplot'

/** Seconds that a plot reaches back. */
export const WINDOW = 120

/**
 * @typedef {object} Line
 * @property {string} color a custom property of the style sheet, or a CSS colour
 * @property {number} [width]
 * @property {boolean} [filled]
 *
 * @typedef {Pick<import('./definitions.js').PlotDefinition, 'top' | 'leastTop' | 'format'>} Scale
 */

const style = getComputedStyle(document.documentElement)

// A canvas knows no custom properties. Asked for at each drawing, so that a new colour scheme is followed.
/** @param {string} color */
const resolveColor = (color) => (color.startsWith('--') ? style.getPropertyValue(color).trim() : color)

/** @param {Line} line @returns {uPlot.Series} */
const toSeries = ({ color, width = 1.75, filled = false }) => ({
  stroke: () => resolveColor(color),
  width,
  points: { show: false },
  ...(filled && { fill: () => `${resolveColor(color)}26` }),
})

/** @type {uPlot.Axis} */
const timeAxis = {
  stroke: () => resolveColor('--muted'),
  font: '11px system-ui, sans-serif',
  size: 24,
  gap: 6,
  ticks: { show: false },
  grid: { show: false },
  splits: (_plot, _axis, _oldest, newest) => [120, 90, 60, 30, 0].map((age) => newest - age),
  values: (plot, splits) => {
    const newest = plot.data[0].at(-1) ?? 0
    return splits.map((time) => (time === newest ? 'now' : `−${Math.round(newest - time)} s`))
  },
}

/** @param {Scale} scale @returns {uPlot.Axis} */
const valueAxis = ({ format }) => ({
  stroke: () => resolveColor('--muted'),
  font: '11px system-ui, sans-serif',
  size: 62,
  gap: 8,
  space: 34,
  ticks: { show: false },
  grid: { stroke: () => resolveColor('--grid'), width: 1 },
  values: (_plot, splits) => splits.map(format),
})

// Each of these, in any power of ten, is where uPlot draws its topmost line.
const TOPS = [1, 2, 3, 4, 5, 6, 8, 10]

/** @param {number} value above 0 */
const roundUp = (value) => {
  const power = 10 ** Math.floor(Math.log10(value))
  return power * (TOPS.find((top) => top * power >= value) ?? 10)
}

/** @param {Scale} scale @returns {uPlot.Scale} */
const valueScale = ({ top, leastTop = 1 }) => ({
  range: (_plot, _least, most) => [0, top ?? roundUp(Math.max(leastTop, most ?? 0))],
})

/**
 * @param {HTMLElement} container gives the plot its size
 * @param {Line[]} lines
 * @param {Scale} scale
 * @param {() => void} onCursor
 */
export const createPlot = (container, lines, scale, onCursor) => {
  /** @type {uPlot.Options} */
  const options = {
    width: container.clientWidth,
    height: container.clientHeight,
    padding: [8, 14, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: false, y: false },
      points: { size: 6 },
      sync: { key: 'dashboard', scales: ['x', null] },
    },
    scales: {
      x: { range: (_plot, _oldest, newest) => [(newest ?? 0) - WINDOW, newest ?? 0] },
      y: valueScale(scale),
    },
    axes: [timeAxis, valueAxis(scale)],
    series: [{}, ...lines.map(toSeries)],
    hooks: { setCursor: [onCursor] },
  }
  const plot = new uPlot(options, undefined, container)
  const sizes = new ResizeObserver(() => {
    plot.setSize({ width: container.clientWidth, height: container.clientHeight })
  })
  sizes.observe(container)
  return {
    plot,
    destroy() {
      sizes.disconnect()
      plot.destroy()
    },
  }
}
