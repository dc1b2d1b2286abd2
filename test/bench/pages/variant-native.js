export function open({ url, names, meter }) {
  const source = new EventSource(url)
  for (const name of names) {
    source.addEventListener(name, ({ data, lastEventId }) => meter.take(data, lastEventId))
  }
}
