import { Transmit } from '@adonisjs/transmit-client'
import { SharedEventSource } from 'tabstream'

const transmit = new Transmit({
  baseUrl: location.origin,
  // The address of the stream contains it, so all tabs of a browser must have the same.
  uidGenerator: () => {
    localStorage.uid ??= crypto.randomUUID()
    return localStorage.uid
  },
  eventSourceFactory: (url, options) => new SharedEventSource(url, options),
})
const ticks = transmit.subscription('ticks')
await ticks.create()
ticks.onMessage((count) => {
  document.querySelector('#latest').textContent = count
})
