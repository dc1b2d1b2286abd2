import { enter } from '../current-page.ts'
import { Page, UpstreamWorld } from '../upstream.ts'

/** A world with a page, whose client the next streams are opened with. */
export function stage(): { world: UpstreamWorld; page: Page } {
  const world = new UpstreamWorld()
  const page = new Page(world, 'page')
  enter(page.client)
  return { world, page }
}

let sent = 0

/** What a server writes for one event of this name. */
export const eventOf = (name: string, data: unknown): string =>
  `id: ${++sent}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`
