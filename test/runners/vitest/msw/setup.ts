import { configure, SharedEventSource } from 'tabstream'

// So that the page itself makes the requests.
configure({ host: 'direct' })

// MSW's `sse()` wants the environment to have one; it opens none where a handler answers by itself.
globalThis.EventSource ??= SharedEventSource
