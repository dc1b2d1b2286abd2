import { lazyHost } from '../host/lazy.ts'
import { sharedWorkerHost } from '../host/shared-worker.ts'
import { Client } from '../page/client.ts'
import { browserPlatform } from '../page/platform.ts'
import { takeOptions } from './configure.ts'

/**
 * Where `tabstream/testing` puts a client of its own. It is a global symbol, because a test may load several copies of the package,
 * and because no element of a page can take its name.
 */
const substitute = (): Client | undefined =>
  (globalThis as { [seam: symbol]: Client | undefined })[Symbol.for('tabstream')]

/** A server that renders pages has neither. */
const isBrowser = 'document' in globalThis || 'importScripts' in globalThis

/** Streams can be opened: in a browser, and in a test wherever it runs. */
export const canOpen = (): boolean => isBrowser || substitute() !== undefined

let client: Client | undefined

/** This page's client, created at first use with the options in force then. */
export function pageClient(): Client {
  return substitute() ?? ownClient()
}

function ownClient(): Client {
  client ??= createClient()
  return client
}

type Substitutes = typeof import('../host/in-page.ts')

function createClient(): Client {
  const options = takeOptions()
  const { host = 'auto' } = options
  const platform = browserPlatform()
  const substitutes = async () =>
    (await fetchSubstitutes()).substitutes(platform, options, () => client.dropped())
  const ladder = [
    sharedWorkerHost(options, (failed) => {
      // If they cannot be fetched, the page only waits longer.
      substitutes().then(
        ({ ask }) => ask(failed),
        () => {},
      )
    }),
    lazyHost('leader', substitutes),
    lazyHost('direct', substitutes),
  ]
  const client = new Client(
    platform,
    ladder.filter(({ name }) => isBrowser && (host === 'auto' || host === name)),
    options.keepAlive === 'public' ? 'public' : '',
    options.connections === 'auto' ? undefined : options.connections,
    options.inspector || undefined,
  )
  return client
}

/** Where they could not be fetched. */
let failedAt: string | undefined

/** Chromium remembers that a module could not be fetched, so each attempt has another URL, with one more `?` at its end. */
const fetchSubstitutes = (): Promise<Substitutes> =>
  (failedAt === undefined
    ? import('../host/in-page.ts')
    : import(/* @vite-ignore */ /* webpackIgnore: true */ /* turbopackIgnore: true */ `${failedAt}?`)
  ).catch((error: unknown) => {
    failedAt = String(error).split('imported module: ')[1]
    throw error
  })
