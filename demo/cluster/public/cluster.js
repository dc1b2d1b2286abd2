import { connect, inspect } from 'tabstream'
import { Tally } from './tally.js'

/** @param {string} id */
const find = (id) => /** @type {HTMLElement} */ (document.getElementById(id))

/** @param {string} id @param {string | number} value */
function show(id, value) {
  if (find(id).textContent !== String(value)) find(id).textContent = String(value)
}

/** @param {string} words */
function note(words) {
  const item = document.createElement('li')
  item.textContent = `${new Date().toLocaleTimeString('en-GB')}  ${words}`
  find('journal').prepend(item)
  if (find('journal').childElementCount > 200) find('journal').lastElementChild?.remove()
}

// The stream

let run = ''
let tally = new Tally()
let connections = 0

// A node that hangs sends no heartbeat: it has one every five seconds.
const stream = connect('/events', { idleTimeout: 12_000 })

stream.on('message', ({ data }) => {
  const event = JSON.parse(data)
  // The cluster was started anew, and counts from 1.
  if (event.run !== run) tally = new Tally()
  run = event.run
  tally.take(event.number, performance.now())
})

stream.onGap(({ reason }) => {
  tally.tellGap()
  note(`gap: ${reason}`)
})

stream.onStatus(({ state, error }) => {
  if (state === 'open') {
    connections++
    note(`served by ${node()}`)
  } else if (state === 'retrying') note(`lost: ${error?.message ?? ''}`)
})

/** The node says its name in a cookie. */
const node = () => /(?:^|; )served-by=([^;]*)/.exec(document.cookie)?.[1] ?? '–'

// What is shown of it

/** How many had come, and when: of the last second. @type {{ received: number, time: number }[]} */
let counts = []

function rate() {
  const now = { received: tally.received, time: performance.now() }
  counts = [...counts.filter(({ time }) => now.time - time < 1_100), now]
  const first = counts[0] ?? now
  return now.time === first.time ? 0 : ((now.received - first.received) * 1_000) / (now.time - first.time)
}

function showNumbers() {
  show('state', stream.status.state)
  show('node', stream.status.state === 'open' ? node() : '–')
  show('reconnections', Math.max(0, connections - 1))
  show('last', tally.last)
  show('rate', Math.max(0, Math.round(rate())))
  show('received', tally.received)
  show('longest-pause', `${(tally.longestPause / 1_000).toFixed(1)} s`)
  const { lost, doubled, outOfOrder, gaps } = tally
  for (const [id, count] of Object.entries({ lost, doubled, 'out-of-order': outOfOrder, gaps })) {
    show(id, count)
    find(id).classList.toggle('broken', count > 0)
  }
}

// The processes

/** @type {Map<string, HTMLButtonElement>} */
const buttons = new Map()

/** @param {string} name */
function buttonFor(name) {
  const known = buttons.get(name)
  if (known) return known
  const button = document.createElement('button')
  button.type = 'button'
  button.addEventListener('click', () => void kill(name))
  buttons.set(name, button)
  const item = document.createElement('li')
  item.append(button)
  find('kill').append(item)
  return button
}

/** @param {string} name */
async function kill(name) {
  note(`${name} is killed`)
  // Where nginx is the one, it does not answer any more.
  await fetch(`/processes?kill=${name}`, { method: 'POST' }).catch(() => {})
  await showProcesses()
}

async function showProcesses() {
  show('tabs', (await inspect()).tabs)
  /** @type {{ name: string, isUp: boolean }[]} */
  let processes
  try {
    processes = await (await fetch('/processes')).json()
  } catch {
    // They are asked through nginx.
    processes = [{ name: 'nginx', isUp: false }]
  }
  // The one who counts must not be started anew.
  for (const { name, isUp } of processes.filter(({ name }) => name !== 'producer')) {
    const button = buttonFor(name)
    button.textContent = isUp ? `Kill ${name}` : `${name} is away`
    button.setAttribute('aria-disabled', String(!isUp))
  }
}

setInterval(showNumbers, 250)
setInterval(() => {
  if (document.visibilityState === 'visible') void showProcesses()
}, 1_000)
void showProcesses()
