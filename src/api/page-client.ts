import { lazyHost } from '../host/lazy.ts'
import { sharedWorkerHost } from '../host/shared-worker.ts'
import { Client } from '../page/client.ts'
import { browserPlatform } from '../page/platform.ts'
import { takeOptions } from './configure.ts'

/** A server that renders pages has neither. */
export const isBrowser = 'document' in globalThis || 'importScripts' in globalThis

let client: Client | undefined

/** This page's client, created at first use with the options in force then. */
export function pageClient(): Client {
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
