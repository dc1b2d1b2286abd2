import type * as Tabstream from '../../src/index.ts'

/** An event of the stream; or a gap, with its reason as the data and the ID before it. */
export interface RecordedEvent {
  type: string
  data: string
  lastEventId: string
}

/** An `open` or `error` event, with the state the source was in when it came. */
export interface Signal {
  type: string
  readyState: number
}

/** `connect` is a stream of `connect()`, in the shape of a source. */
export type Kind = 'EventSource' | 'SharedEventSource' | 'connect'

export interface RecordingRequest {
  key: string
  kind: Kind
  url: string
  names: readonly string[]
  withCredentials?: boolean
  replay?: Tabstream.Replay
}

interface PageRecording {
  source: EventSource
  events: RecordedEvent[]
  /** When each of them came, in ms since 1970. */
  times: number[]
  signals: Signal[]
  listen(name: string): void
  keep(event: RecordedEvent): void
  until(isTrue: () => boolean): Promise<void>
}

interface Recorder {
  open(request: RecordingRequest): void
  get(key: string): PageRecording
  /** From now on keeps all that reaches this page through message ports and broadcast channels, as text, in `heard`. */
  overhear(): void
  readonly heard: string[]
}

declare global {
  // These live in the page, where the functions given to `evaluate` run.
  var recorder: Recorder
  var tabstream: typeof Tabstream
  var ready: Promise<void> | undefined
  /** Imports a file of the package: what compiles a test would take an import in it for its own. */
  var importModule: <Module>(name: string) => Promise<Module>
}

/** Runs in each page before its scripts: sent there as source text, so it may refer to nothing outside. */
export function installRecorder(): void {
  const recordings = new Map<string, PageRecording>()
  const heard: string[] = []
  let overhearing = false

  const { addEventListener } = EventTarget.prototype
  // A test may have taken the latter away.
  for (const Channel of [MessagePort, globalThis.BroadcastChannel]) {
    if (Channel === undefined) continue
    Channel.prototype.addEventListener = function (this: EventTarget, ...listener: [string, never]) {
      if (listener[0] === 'message') {
        addEventListener.call(this, 'message', (event) => {
          if (overhearing) heard.push(JSON.stringify((event as MessageEvent).data) ?? '')
        })
      }
      addEventListener.apply(this, listener)
    }
  }

  const sourceOf = (
    kind: Kind,
    url: string,
    init: Omit<RecordingRequest, 'key' | 'kind' | 'url' | 'names'>,
  ) => {
    if (kind === 'EventSource') return new EventSource(url, init)
    return kind === 'connect'
      ? asSource(tabstream.connect(url, init))
      : new tabstream.SharedEventSource(url, init)
  }

  const asSource = (stream: Tabstream.SharedStream): EventSource => {
    const target = new EventTarget()
    const states = ['connecting', 'open', 'closed']
    stream.onStatus(({ state, error }) => {
      if (state === 'open' || error) target.dispatchEvent(new Event(state === 'open' ? 'open' : 'error'))
    })
    stream.onGap((gap) => target.dispatchEvent(Object.assign(new Event('gap'), gap)))
    const listen = (name: string, listener: (event: Event) => unknown) => {
      if (['open', 'error', 'gap'].includes(name)) addEventListener.call(target, name, listener)
      else stream.on(name, ({ data, id }) => listener(new MessageEvent(name, { data, lastEventId: id })))
    }
    return Object.defineProperties(target, {
      addEventListener: { value: listen },
      close: { value: () => stream.close() },
      readyState: { get: () => Math.max(0, states.indexOf(stream.status.state)) },
    }) as EventSource
  }

  const open = ({ key, kind, url, names, ...init }: RecordingRequest) => {
    const source = sourceOf(kind, url, init)
    let waiting: { isTrue: () => boolean; resolve: () => void }[] = []
    const changed = () => {
      if (waiting.length === 0) return
      const ready = waiting.filter(({ isTrue }) => isTrue())
      waiting = waiting.filter((wait) => !ready.includes(wait))
      for (const { resolve } of ready) resolve()
    }
    const recording: PageRecording = {
      source,
      events: [],
      times: [],
      signals: [],
      listen(name) {
        source.addEventListener(name, recording.keep)
      },
      keep({ type, data, lastEventId }) {
        recording.events.push({ type, data, lastEventId })
        recording.times.push(Date.now())
        changed()
      },
      until: (isTrue) =>
        new Promise((resolve) => {
          waiting.push({ isTrue, resolve })
          changed()
        }),
    }
    for (const type of ['open', 'error']) {
      source.addEventListener(type, () => {
        recording.signals.push({ type, readyState: source.readyState })
        changed()
      })
    }
    for (const name of names) recording.listen(name)
    source.addEventListener('gap', (gap: Event) => {
      if (gap instanceof MessageEvent) return
      const { reason, before } = gap as unknown as { reason: string; before: string }
      recording.keep({ type: 'gap', data: reason, lastEventId: before })
    })
    recordings.set(key, recording)
  }

  const get = (key: string) => {
    const recording = recordings.get(key)
    if (!recording) throw new Error(`no recording ${key} in this page`)
    return recording
  }

  const overhear = () => {
    overhearing = true
  }

  globalThis.recorder = { open, get, overhear, heard }
}
