import { expect, test } from 'vitest'
import { type Stage, useBrowser } from '../browser/stage.ts'
import { Nginx } from './nginx.ts'
import { needs } from './program.ts'
import { Trial } from './trial.ts'

const stage = useBrowser()

/** nginx in front of a server, with these directives in the location of the stream. */
const before = ({ server }: Stage, directives: string, main = '') =>
  Nginx.start({
    main,
    server: `location / { proxy_pass ${server.origin}; }
    location /events/ { proxy_pass ${server.origin}; ${directives} }`,
  })

test('nginx with proxy_buffering off', async (context) => {
  needs(context, 'nginx')
  const set = await stage()
  const { origin } = await before(set, 'proxy_buffering off;')
  const trial = await Trial.begin(context, set, { origin })
  trial.feed.start()
  await trial.feed.more(200)
  await trial.conclude()
  expect(set.server.channel('busy').totalConnections).toBe(1)
})
