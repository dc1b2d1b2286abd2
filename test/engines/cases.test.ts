import { describe } from 'vitest'
import * as chromium from './chromium.ts'
import { testEssentials } from './essential.ts'
import * as firefox from './firefox.ts'
import { testRecovery } from './recovery.ts'
import { useEngine } from './stage.ts'
import * as webkit from './webkit.ts'

const ENGINES = { Chromium: chromium, Firefox: firefox, WebKitGTK: webkit }
const HOSTS = ['shared-worker', 'leader']

describe.each(Object.entries(ENGINES))('%s', (_name, { launch }) => {
  const setStage = useEngine(launch)

  describe.each(HOSTS)('%s', (host) => {
    testEssentials(host, () => setStage(`/page?host=${host}`))
    testRecovery(host, () => setStage(`/page?host=${host}`))
  })
})
