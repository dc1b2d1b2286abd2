import { existsSync, readdirSync } from 'node:fs'
// @ts-expect-error: a script without types of its own
import { installPackages } from '../../.ci/packages.mjs'

interface Program {
  /** The Debian package that brings it. */
  readonly package: string
  path(): string | undefined
}

const at = (path: string) => () => (existsSync(path) ? path : undefined)

/** MiniBrowser lies in a folder that is named after the machine's architecture. */
function findMiniBrowser(): string | undefined {
  return readdirSync('/usr/lib')
    .map((folder) => `/usr/lib/${folder}/webkit2gtk-4.1/MiniBrowser`)
    .find((path) => existsSync(path))
}

const PROGRAMS = {
  chromium: { package: 'chromium', path: at('/usr/bin/chromium') },
  'firefox-esr': { package: 'firefox-esr', path: at('/usr/bin/firefox-esr') },
  WebKitWebDriver: { package: 'webkit2gtk-driver', path: at('/usr/bin/WebKitWebDriver') },
  MiniBrowser: { package: 'webkit2gtk-driver', path: findMiniBrowser },
  Xvfb: { package: 'xvfb', path: at('/usr/bin/Xvfb') },
} satisfies Record<string, Program>

export function pathOf(name: keyof typeof PROGRAMS): string {
  const path = PROGRAMS[name].path()
  if (path) return path
  throw new Error(`${name} is missing: apt-get install ${PROGRAMS[name].package}`)
}

/** Vitest's global set-up: installs what is missing, or fails. A browser that is not there is not a test that passed. */
export default function install(): void {
  if (missing().length > 0) installPackages(packagesOf(missing()))
  const still = missing()
  if (still.length === 0) return
  throw new Error(
    `The tests in all engines need ${still.join(', ')}, which has not been installed. On Debian, as root: apt-get install --no-install-recommends ${packagesOf(still).join(' ')}`,
  )
}

type Name = keyof typeof PROGRAMS

const missing = (): Name[] => (Object.keys(PROGRAMS) as Name[]).filter((name) => !PROGRAMS[name].path())

const packagesOf = (names: Name[]): string[] => [...new Set(names.map((name) => PROGRAMS[name].package))]
