import type { Kind } from '../browser/recorder.ts'

/** What a page can see of a source and its events. */
export interface Facts {
  url: string
  withCredentials: boolean
  /** As it was when the constructor returned, in `open`, in each event, and after `close()`. */
  readyStates: number[]
  opened: { type: string; isTarget: boolean; isThis: boolean }[]
  /** Through `onmessage`. */
  messages: EventFacts[]
  /** Through `addEventListener('cpu')`, by an object with `handleEvent`. */
  named: EventFacts[]
}

interface EventFacts {
  isMessageEvent: boolean
  isTarget: boolean
  type: string
  data: string
  lastEventId: string
  origin: string
  bubbles: boolean
  cancelable: boolean
}

interface Witness {
  facts: Facts
  ended: Promise<void>
}

declare global {
  var witnesses: Record<string, Witness> | undefined
}

/**
 * Runs in the page: opens a source that keeps all facts about itself, and is closed by a listener of the event 'end'.
 * Resolves when it is open.
 */
export function witness({ kind, url }: { kind: Kind; url: string }): Promise<void> {
  const Source = kind === 'EventSource' ? EventSource : tabstream.SharedEventSource
  const source: EventSource = new Source(url)
  const facts: Facts = {
    url: source.url,
    withCredentials: source.withCredentials,
    readyStates: [source.readyState],
    opened: [],
    messages: [],
    named: [],
  }
  const factsOf = (event: MessageEvent): EventFacts => {
    facts.readyStates.push(source.readyState)
    const { type, data, lastEventId, origin, bubbles, cancelable } = event
    return {
      isMessageEvent: event instanceof MessageEvent,
      isTarget: event.target === source,
      type,
      data,
      lastEventId,
      origin,
      bubbles,
      cancelable,
    }
  }
  source.onmessage = (event) => facts.messages.push(factsOf(event))
  source.addEventListener('cpu', {
    handleEvent: (event: Event) => void facts.named.push(factsOf(event as MessageEvent)),
  })
  const opened = new Promise<void>((resolve) => {
    source.onopen = function (event) {
      facts.readyStates.push(source.readyState)
      facts.opened.push({ type: event.type, isTarget: event.target === source, isThis: this === source })
      resolve()
    }
  })
  const ended = new Promise<void>((resolve) => {
    source.addEventListener('end', () => {
      source.close()
      facts.readyStates.push(source.readyState)
      resolve()
    })
  })
  globalThis.witnesses = { ...globalThis.witnesses, [kind]: { facts, ended } }
  return opened
}

/** Runs in the page: tells the facts once the source has been closed. */
export async function testify(kind: Kind): Promise<Facts | undefined> {
  const witness = globalThis.witnesses?.[kind]
  await witness?.ended
  return witness?.facts
}
