import { find } from './element.js'

/** @typedef {{ url: string, preset: string, topic: string[], [name: string]: unknown }} Request */

const form = /** @type {HTMLFormElement} */ (find('form'))
const result = find('result')
const state = find('state')
const stop = /** @type {HTMLButtonElement} */ (find('stop'))

/** Fields with a value on each line. */
const LISTS = ['header', 'cookie', 'topic']

let running = new AbortController()

/** @param {unknown} text */
const linesOf = (text) =>
  String(text)
    .split('\n')
    .filter((line) => line.trim() !== '')

/** @param {FormData} data @returns {Request} */
const requestOf = (data) => {
  const fields = [...data].map(([name, value]) => [name, LISTS.includes(name) ? linesOf(value) : value])
  return { ...Object.fromEntries(fields), raw: data.has('raw') }
}

/**
 * Makes the address of this page a link that holds no secrets: what is behind `?` of a URL may be one.
 *
 * @param {Request} request
 */
const remember = ({ url, preset, topic }) => {
  const query = new URLSearchParams()
  if (url !== '') query.set('url', url.replace(/[?#].*$/s, '').replace(/\/\/[^/]*@/, '//'))
  if (preset !== '') query.set('preset', preset)
  for (const one of topic) query.append('topic', one)
  history.replaceState(undefined, '', `?${query}`)
}

/** @param {Request} request @param {AbortSignal} signal */
const test = async (request, signal) => {
  const { body } = await fetch('/test', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(request),
    signal,
  })
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader()
  for (;;) {
    const { done = true, value = '' } = (await reader?.read()) ?? {}
    if (done) return
    result.append(value)
  }
}

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  running.abort()
  running = new AbortController()
  const { signal } = running
  const request = requestOf(new FormData(form))
  remember(request)
  result.textContent = ''
  result.hidden = false
  stop.disabled = false
  state.textContent = 'Testing…'
  let words = 'Done'
  try {
    await test(request, signal)
  } catch {
    words = signal.aborted ? 'Stopped' : 'The server of this page does not answer'
  }
  // Another test may have begun.
  if (signal !== running.signal) return
  state.textContent = words
  stop.disabled = true
  // The verdicts come last.
  result.scrollIntoView({ block: 'end' })
})

stop.addEventListener('click', () => running.abort())

const query = new URLSearchParams(location.search)
const first = { url: query.get('url'), preset: query.get('preset'), topic: query.getAll('topic').join('\n') }
for (const [name, value] of Object.entries(first)) {
  const field = /** @type {HTMLInputElement} */ (form.elements.namedItem(name))
  field.value = value ?? ''
}
