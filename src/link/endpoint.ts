/** One end of a link: a MessagePort, or an object that behaves like one. */
export interface LinkEndpoint {
  postMessage(message: unknown, transfer?: Transferable[]): void
  addEventListener(type: string, listener: EventListenerOrEventListenerObject): void
  removeEventListener(type: string, listener: EventListenerOrEventListenerObject): void
  start?(): void
  close(): void
}
