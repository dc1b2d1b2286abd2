import type { Remote } from 'comlink'
import type { Host } from '../link/host.ts'
import type { HubSide } from '../link/protocol.ts'

/** A page's link to its hub. */
export interface HubLink {
  readonly host: Host
  readonly hubId: string
  /** When the hub answered, in ms since 1970. */
  readonly since: number
  /** Held as long as the link exists: if a remote is garbage-collected, its calls never settle. */
  readonly remote: Remote<HubSide>
  /** Aborted when the link is given up. */
  readonly life: AbortController
}

/** A call's result. Rejects if the link is given up first, because a dead hub never answers. */
export function answerOf<Result>({ life: { signal } }: HubLink, result: Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const gone = () => reject(new Error('the hub is gone'))
    if (signal.aborted) gone()
    signal.addEventListener('abort', gone)
    result.then(resolve, reject).finally(() => signal.removeEventListener('abort', gone))
  })
}
