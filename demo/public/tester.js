import { find } from './element.js'

/** What the form says, by the names of its fields. @typedef {Record<string, unknown> & { name: string }} Request */

const form = /** @type {HTMLFormElement} */ (find('form'))
const result = find('result')
const state = find('state')
const cut = /** @type {HTMLButtonElement} */ (find('cut'))
const stop = /** @type {HTMLButtonElement} */ (find('stop'))

/** Fields with a value on each line. */
const LISTS = ['header', 'cookie', 'topic']

/** Fields that are no secret. Headers, cookies and the body may be. */
const PLAIN = ['preset', 'topic', 'cut-after', 'duration', 'method', 'last-event-id', 'origin']

let running = new AbortController()
/** Of the test that is running: whoever knows it can cut its connection. */
let name = ''

/** @param {unknown} text */
const linesOf = (text) =>
  String(text)
    .split('\n')
    .filter((line) => line.trim() !== '')

/** @param {FormData} data @returns {Request} */
const requestOf = (data) => {
  const fields = [...data].map(([name, value]) => [name, LISTS.includes(name) ? linesOf(value) : value])
  return { ...Object.fromEntries(fields), raw: data.has('raw'), name }
}

/**
 * A URL without what may be secret: its query, and names and passwords of users.
 *
 * @param {string} url
 */
const withoutSecrets = (url) => url.replace(/[?#].*$/s, '').replace(/\/\/[^/]*@/, '//')

/**
 * Makes the address of this page a link that fills the form, without its secrets. It stands behind `#`, so that no server is told.
 *
 * @param {FormData} data
 */
const remember = (data) => {
  const link = new URLSearchParams({ url: withoutSecrets(String(data.get('url'))) })
  for (const name of PLAIN) {
    const field = /** @type {HTMLInputElement} */ (form.elements.namedItem(name))
    const value = String(data.get(name))
    if (value !== field.defaultValue && value !== '') link.set(name, value)
  }
  if (data.has('raw')) link.set('raw', '')
  history.replaceState(undefined, '', `#${link}`)
}

/** Fills the form with what the address says. */
const recall = () => {
  const link = new URLSearchParams(location.hash.slice(1))
  for (const name of ['url', ...PLAIN]) {
    const field = /** @type {HTMLInputElement} */ (form.elements.namedItem(name))
    field.value = link.get(name) ?? field.defaultValue ?? ''
  }
  const raw = /** @type {HTMLInputElement} */ (form.elements.namedItem('raw'))
  raw.checked = link.has('raw')
}

/** @param {string} path @param {object} fields @param {AbortSignal} [signal] */
const post = (path, fields, signal) =>
  fetch(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(fields),
    ...(signal && { signal }),
  })

/** @param {Request} request @param {AbortSignal} signal */
const test = async (request, signal) => {
  const { body } = await post('/test', request, signal)
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader()
  for (;;) {
    const { done = true, value = '' } = (await reader?.read()) ?? {}
    if (done) return
    result.append(value)
  }
}

/** Answers with what there is to say. */
const copy = async () => {
  try {
    await navigator.clipboard.writeText(result.textContent ?? '')
    return 'Copied'
  } catch {
    return 'The browser does not let this page copy'
  }
}

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  running.abort()
  running = new AbortController()
  const { signal } = running
  const data = new FormData(form, event.submitter)
  const isCopied = data.has('copy-as')
  name = crypto.getRandomValues(new Uint32Array(4)).join('-')
  remember(data)
  result.textContent = ''
  result.hidden = false
  stop.disabled = false
  cut.disabled = isCopied
  state.textContent = 'Testing…'
  let words = 'Done'
  try {
    await test(requestOf(data), signal)
    if (isCopied) words = await copy()
  } catch {
    words = signal.aborted ? 'Stopped' : 'The server of this page does not answer'
  }
  // Another test may have begun.
  if (signal !== running.signal) return
  state.textContent = words
  stop.disabled = true
  cut.disabled = true
  // The verdicts come last.
  result.scrollIntoView({ block: 'end' })
})

stop.addEventListener('click', () => running.abort())
// A test that has just ended has nothing to be cut.
cut.addEventListener('click', () => post('/test/cut', { name }).catch(() => {}))
addEventListener('hashchange', recall)
recall()
