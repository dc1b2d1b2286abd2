import { plotDefinitions } from './definitions.js'
import { createElement, declare, find, setText } from './element.js'
import { PlotPanel } from './plot-panel.js'
import { ProcessPanel } from './process-panel.js'
import { offerMoreTabs, watchSharing } from './sharing.js'
import { loadHistory, openSource } from './source.js'

// An open connection on this machine answers within milliseconds.
const PATIENCE = 3000

/** @typedef {{ title: string, create: () => PlotPanel | ProcessPanel }} Offer */

/** @type {Map<string, Offer>} by the name of the event that feeds the panel */
const offers = new Map([
  ...Object.entries(plotDefinitions).map(
    ([name, definition]) =>
      /** @type {[string, Offer]} */ ([
        name,
        { title: definition.title, create: () => new PlotPanel(definition) },
      ]),
  ),
  ['processes', { title: 'Processes', create: () => new ProcessPanel() }],
])

const address = new URL(location.href)
const wished = address.searchParams.get('panels')?.split(',') ?? [...offers.keys()]

/** @type {Map<string, PlotPanel | ProcessPanel>} */
const panels = new Map()
/** @type {import('./source.js').Source | undefined} */
let source
/** @type {Map<string, () => void>} what ends listening, by name */
const listening = new Map()
/** @type {import('./source.js').Kind} */
let kind = address.searchParams.get('source') === 'native' ? 'native' : 'shared'
let attempt = 0
let events = 0

// Drawing

/** @type {Set<string>} */
const stale = new Set()

const draw = () => {
  for (const name of stale) panels.get(name)?.draw()
  stale.clear()
  setText(find('events'), events.toLocaleString('en'))
}

let drawing = 0

/** @param {Iterable<string>} names */
const redraw = (names) => {
  for (const name of names) stale.add(name)
  // A hidden page gets no frame until it is seen again: then everything is drawn once.
  if (drawing === 0) {
    drawing = requestAnimationFrame(() => {
      drawing = 0
      draw()
    })
  }
}

// The stream

/** @param {string} name */
const listen = (name) => {
  const end = source?.on(name, (data) => {
    events += 1
    declare('events', events)
    panels.get(name)?.add([data])
    redraw([name])
  })
  if (end) listening.set(name, end)
}

const close = () => {
  for (const end of listening.values()) end()
  listening.clear()
  source?.close()
  source = undefined
}

/** What the page says of the connection, and where there is something to do, what. */
const states = {
  connecting: ['Connecting…', ''],
  waiting: [
    'No free connection',
    'Other tabs hold every connection that the browser allows to this server. Close one of them, or share.',
  ],
  live: ['Live', ''],
  reconnecting: ['Reconnecting…', ''],
  parked: ['Parked', 'Other tabs need the connection more. Nothing is missed.'],
  closed: ['Connection closed', 'The server ended the stream for good. Reload the page to try again.'],
  missing: ['tabstream is missing', 'Build it with: npm run build. A plain EventSource works without.'],
}

/** @type {keyof typeof states} */
let state = 'connecting'

/** @param {keyof typeof states} next */
const showState = (next) => {
  state = next
  const [text = '', remedy = ''] = states[state]
  declare('state', state)
  setText(find('state'), text)
  setText(find('remedy'), remedy)
}

const connect = async () => {
  attempt += 1
  const mine = attempt
  close()
  showState('connecting')
  const opened = await openSource(kind, (next) => {
    if (mine === attempt) showState(next)
  }).catch(() => undefined)
  if (mine !== attempt) return opened?.close()
  if (!opened) return showState('missing')
  source = opened
  for (const name of panels.keys()) listen(name)
  setTimeout(() => {
    if (mine === attempt && state === 'connecting') showState('waiting')
  }, PATIENCE)
}

// The panels

/** @param {string[]} names */
const fillFromHistory = async (names) => {
  // Without it the plots start empty, which is no loss worth a word.
  const history = names.length ? await loadHistory(names).catch(() => []) : []
  for (const name of names) {
    panels.get(name)?.add(history.filter((event) => event.name === name).map(({ data }) => data))
  }
  redraw(names)
}

/** @param {string} name */
const showPanel = (name) => {
  const panel = offers.get(name)?.create()
  if (!panel) return
  panels.set(name, panel)
  const inOrder = [...offers.keys()].flatMap((each) => panels.get(each)?.element ?? [])
  find('panels').replaceChildren(...inOrder)
  listen(name)
}

/** @param {string} name */
const hidePanel = (name) => {
  listening.get(name)?.()
  listening.delete(name)
  panels.get(name)?.remove()
  panels.delete(name)
}

// What the reader chooses is kept in the address, so that a copied tab shows the same.
const keepInAddress = () => {
  const all = panels.size === offers.size
  if (all) address.searchParams.delete('panels')
  else address.searchParams.set('panels', [...offers.keys()].filter((name) => panels.has(name)).join())
  if (kind === 'native') address.searchParams.set('source', kind)
  else address.searchParams.delete('source')
  // Commas are as good unescaped, and people read addresses.
  history.replaceState(null, '', address.href.replaceAll('%2C', ','))
}

/** @param {string} name @param {string} title */
const createChoice = (name, title) => {
  const input = createElement('input', { type: 'checkbox', name: 'panel', value: name })
  input.checked = panels.has(name)
  input.addEventListener('change', () => {
    if (input.checked) {
      showPanel(name)
      void fillFromHistory([name])
    } else hidePanel(name)
    keepInAddress()
  })
  return createElement('label', {}, input, createElement('span', {}, title))
}

const offerSources = () => {
  for (const input of /** @type {NodeListOf<HTMLInputElement>} */ (document.getElementsByName('source'))) {
    input.checked = input.value === kind
    input.addEventListener('change', () => {
      kind = input.value === 'native' ? 'native' : 'shared'
      keepInAddress()
      void connect()
    })
  }
}

for (const name of wished) showPanel(name)
find('choices').append(...[...offers].map(([name, { title }]) => createChoice(name, title)))
offerSources()
offerMoreTabs()
watchSharing(() => kind)
matchMedia('(prefers-color-scheme: light)').addEventListener('change', () => redraw(panels.keys()))
void connect()
void fillFromHistory([...panels.keys()])
