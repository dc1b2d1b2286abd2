import { spawnSync } from 'node:child_process'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../.ci/prepare.mjs'

/** Where the frameworks are installed, and run. */
export const FRAMEWORKS = join(root, 'build/servers/frameworks')

/** Installs the exact versions that the test names. Where the registry cannot be reached, npm says so, and the tests are skipped. */
export function installFrameworks() {
  cpSync(join(import.meta.dirname, 'frameworks'), FRAMEWORKS, { recursive: true })
  const script = process.env.npm_execpath
  const [command, before] = script ? [process.execPath, [script]] : ['npm', []]
  // Scripts of packages that are installed have no business here.
  const flags = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--no-package-lock']
  spawnSync(command, [...before, 'install', '--silent', ...flags], { cwd: FRAMEWORKS, stdio: 'inherit' })
}
