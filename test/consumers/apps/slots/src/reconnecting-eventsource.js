import ReconnectingEventSource from 'reconnecting-eventsource'
import { SharedEventSource } from 'tabstream'

const source = new ReconnectingEventSource('/ticks', { eventSourceClass: SharedEventSource })
source.addEventListener('tick', ({ data }) => {
  document.querySelector('#latest').textContent = data
})
