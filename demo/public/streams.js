import { openBuild } from './build-source.js'
import { createElement, declare, find, setText } from './element.js'
import { LogPanel } from './log-panel.js'
import { SlotsPanel } from './slots-panel.js'
import { loadStats, tabstream } from './source.js'

const TABS = 20
const POLL_EVERY = 1000

// An open connection on this machine answers within milliseconds.
const PATIENCE = 3000

const address = new URL(location.href)
const wished = address.searchParams.get('n') ?? ''
const build = /^([1-9]|[1-4]\d|50)$/.test(wished) ? Number(wished) : 1
const own = new URL(`/streams/${build}`, location.href).href

/** @type {import('./source.js').Kind} */
let kind = address.searchParams.has('native') ? 'native' : 'shared'

/** @param {number} number */
const pathOf = (number) => `/streams.html?n=${number}${kind === 'native' ? '&native' : ''}`

const log = new LogPanel(`Log of build ${build}`)
const slots = new SlotsPanel()

// The stream

/** What the page says of the connection, and where there is something to do, what. */
const states = {
  connecting: ['Connecting…', ''],
  waiting: [
    'No free connection',
    'Other tabs hold every connection that the browser allows to this server. Close one of them, or share.',
  ],
  live: ['Live', ''],
  parked: ['Parked', ''],
  reconnecting: ['Reconnecting…', ''],
  closed: ['Connection closed', 'The stream has ended for good. Reload the page to try again.'],
  missing: ['tabstream is missing', 'Build it with: npm run build. A native EventSource works without.'],
}

/** @type {keyof typeof states} */
let state = 'connecting'
let parkedAt = 0
let lines = 0
let gaps = 0
let missing = 0
let lastLine = 0

const showTitle = () => {
  document.title = `(${lines}) Build ${build}${state === 'parked' ? ', parked' : ''} – tabstream`
}

let isStale = false

const showNumbers = () => {
  for (const [name, value] of Object.entries({ lines, gaps, missing })) {
    declare(name, value)
    setText(find(name), value.toLocaleString('en'))
    find(name).classList.toggle('bad', name !== 'lines' && value > 0)
  }
  // Many lines may come at once, and a title crosses to the browser's own process.
  if (isStale) return
  isStale = true
  setTimeout(() => {
    isStale = false
    showTitle()
  })
}

/** @param {keyof typeof states} next */
const showState = (next) => {
  if (next === 'parked') parkedAt = Date.now()
  else if (next === 'live' && parkedAt > 0) {
    log.note(`Parked for ${Math.round((Date.now() - parkedAt) / 1000)} s. What came meanwhile follows.`)
    parkedAt = 0
  }
  state = next
  const [text = '', remedy = ''] = states[state]
  declare('state', state)
  setText(find('state'), text)
  setText(find('remedy'), remedy)
  showNumbers()
}

/** @param {import('./build-source.js').Line} line */
const receive = (line) => {
  lines += 1
  // After a new start of the server they count from 1 again.
  if (lastLine > 0 && line.line > lastLine) missing += line.line - lastLine - 1
  lastLine = line.line
  log.add(line)
  showNumbers()
}

/** @param {string} reason */
const tellGap = (reason) => {
  gaps += 1
  log.note(`Gap: lines may be missing (${reason}).`)
  showNumbers()
}

let attempt = 0
/** @type {(() => void) | undefined} */
let close

const connect = async () => {
  attempt += 1
  const mine = attempt
  close?.()
  close = undefined
  parkedAt = lines = gaps = missing = lastLine = 0
  log.clear()
  showState('connecting')
  /** @template Value @param {(value: Value) => void} work @returns {(value: Value) => void} */
  const whileMine = (work) => (value) => {
    if (mine === attempt) work(value)
  }
  const reader = { onLine: whileMine(receive), onState: whileMine(showState), onGap: whileMine(tellGap) }
  const opened = await openBuild(kind, build, reader).catch(() => undefined)
  if (mine !== attempt) return opened?.()
  if (!opened) return showState('missing')
  close = opened
  setTimeout(() => {
    if (mine === attempt && kind === 'native' && state === 'connecting') showState('waiting')
  }, PATIENCE)
}

// The hub's slots, and the server's word

const showSlots = async () => {
  if (kind === 'native') {
    slots.say(
      'Native EventSources share nothing, so there is no hub to look into. Each tab holds a connection.',
    )
    return
  }
  try {
    const { inspect } = await tabstream()
    const report = await inspect()
    if (kind === 'shared') slots.show(report, own)
  } catch {
    slots.say('The hub gives no answer.')
  }
}

const showConnections = async () => {
  let text = ''
  try {
    const { connections, builds } = await loadStats()
    text = String(connections + builds)
  } catch (error) {
    const starved = kind === 'native' && error instanceof Error && error.name === 'TimeoutError'
    text = starved ? 'none free' : 'no answer'
  }
  setText(find('connections'), text)
  find('connections').classList.toggle('word', !/^\d/.test(text))
}

/** @param {() => Promise<void>} task */
const repeatWhileVisible = async (task) => {
  if (document.visibilityState === 'visible') await task()
  setTimeout(() => void repeatWhileVisible(task), POLL_EVERY)
}

// The other tabs

const numbers = Array.from({ length: TABS }, (_, index) => index + 1)

/** @type {Map<number, Window>} */
const opened = new Map()

const openTabs = () => {
  // This page is one of them. Those that a pop-up blocker stopped have their turn at the next click.
  const isWanted = (/** @type {number} */ number) => number !== build && opened.get(number)?.closed !== false
  const wanted = numbers.filter(isWanted)
  for (const number of wanted) {
    const tab = window.open(pathOf(number), '_blank')
    if (tab) opened.set(number, tab)
  }
  const stopped = wanted.filter(isWanted).length
  const blocked = `Your browser's pop-up blocker stopped ${stopped} of ${wanted.length} tabs.`
  const remedy = 'Allow pop-ups for this address and press the button again, or use the links.'
  const words =
    wanted.length === 0 ? 'This page has opened all of them.' : stopped > 0 ? `${blocked} ${remedy}` : ''
  setText(find('opened'), words)
}

const links = numbers.map((number) => {
  const link = createElement('a', { target: '_blank', 'aria-label': `Build ${number}` }, String(number))
  if (number === build) link.setAttribute('aria-current', 'page')
  return link
})

/** @type {Record<import('./source.js').Kind, string>} */
const hints = {
  shared:
    'A browser opens six connections to a server over HTTP/1.1. The hub takes four at most. Visible tabs come first. The others are parked, take turns, and resume with nothing missing.',
  native:
    'Each tab holds a connection of its own, and the browser opens six. With six tabs open the seventh hangs: not even its page arrives.',
}

const showKind = () => {
  setText(find('hint'), hints[kind])
  for (const [index, link] of links.entries()) link.setAttribute('href', pathOf(index + 1))
}

const offerSources = () => {
  for (const input of /** @type {NodeListOf<HTMLInputElement>} */ (document.getElementsByName('source'))) {
    input.checked = input.value === kind
    input.addEventListener('change', () => {
      kind = input.value === 'native' ? 'native' : 'shared'
      history.replaceState(null, '', pathOf(build))
      showKind()
      void connect()
      void showSlots()
    })
  }
}

declare('build', build)
setText(find('build'), `Build ${build}`)
find('builds').append(...links.map((link) => createElement('li', {}, link)))
find('halves').append(log.element, slots.element)
find('more').addEventListener('click', openTabs)
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') void showSlots()
})
offerSources()
showKind()
void connect()
void repeatWhileVisible(showSlots)
void repeatWhileVisible(showConnections)
