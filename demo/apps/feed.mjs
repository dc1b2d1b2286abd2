import { cpus, loadavg } from 'node:os'
import { publish, server } from './server.mjs'

/**
 * A plugin of Vite, whose server is the app's server as well: it serves `/events` and `/machines`.
 *
 * @returns {import('vite').Plugin}
 */
export function feed() {
  /** @param {{ middlewares: import('vite').Connect.Server }} vite */
  const serve = ({ middlewares }) => {
    middlewares.use('/events', (request, response) => server.emit('request', request, response))
    middlewares.use('/machines', (_request, response) => response.end(JSON.stringify(['north', 'south'])))
    setInterval(() => {
      const [load = 0] = loadavg()
      publish('cpu', JSON.stringify({ load: load / cpus().length }))
      publish('log', `measured at ${new Date().toLocaleTimeString()}`)
    }, 1_000).unref()
  }
  return { name: 'feed', configureServer: serve, configurePreviewServer: serve }
}
