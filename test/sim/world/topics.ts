import type { SourceRequest } from '../../../src/link/protocol.ts'
import type { Engine } from '../../../src/link/topics.ts'

const ENGINE: Engine = { topic: 'event' }

/** What pages ask for whose servers are asked for topics, which are the names of their events. */
export const TOPICS_SOURCE: SourceRequest = {
  script: 'https://dash.test/topics-source.js',
  options: JSON.stringify(ENGINE),
  isSelective: true,
}

/** The topics of a request; nothing where it names none, and so wants all. */
export function topicsOf(url: string | undefined): ReadonlySet<string> | undefined {
  const topics = url === undefined ? [] : new URL(url).searchParams.getAll('topic')
  return topics.length === 0 ? undefined : new Set(topics)
}
