import htmx from 'htmx.org'
import { SharedEventSource } from 'tabstream'

// The extension looks for it there.
globalThis.htmx = htmx
await import('htmx-ext-sse')
htmx.createEventSource = (url) => new SharedEventSource(url, { withCredentials: true })

const latest = document.querySelector('#latest')
latest.outerHTML = `<div hx-ext="sse" sse-connect="/ticks"><p id="latest" sse-swap="tick"></p></div>`
htmx.process(document.body)
