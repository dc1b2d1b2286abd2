import { SharedEventSource } from 'shared-event-source'

export function open({ url, meter }) {
  const source = new SharedEventSource(url)
  source.addEventListener('message', ({ data, lastEventId }) => meter.take(data, lastEventId))
  return async () => source.isLeader
}
