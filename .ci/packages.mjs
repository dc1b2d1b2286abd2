import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readSync } from 'node:fs'

// Node's own modules only: it runs before anything is installed.

/** What `installPackages` needs of the world; a test replaces it. */
const world = {
  isRoot: () => process.getuid?.() === 0,
  /** Somebody can be asked. */
  isWatched: () => process.stdin.isTTY === true,
  isForbidden: () => process.env.TABSTREAM_INSTALL === '0',
  ask,
  /** @param {string} words */
  say: (words) => console.log(words),
  /** @param {readonly string[]} args */
  aptGet: (...args) => {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    spawnSync('apt-get', args, { stdio: 'inherit', env })
  },
}

/**
 * Installs Debian packages for the whole system, which takes root. Asks first where somebody sits at a terminal, and says
 * what it does where nobody does, as in CI. Does nothing for other users, or with `TABSTREAM_INSTALL=0`, but says what is
 * missing.
 *
 * @param {readonly string[]} names
 * @param {typeof world} [by]
 */
export function installPackages(names, by = world) {
  const command = `apt-get install --no-install-recommends ${names.join(' ')}`
  if (!by.isRoot() || by.isForbidden())
    return by.say(`Missing on this system. On Debian, as root: ${command}`)
  if (!by.isWatched())
    by.say(`Missing on this system. Installing as root (TABSTREAM_INSTALL=0 prevents it): ${command}`)
  else if (!by.ask(`Missing on this system. Install as root: ${command}? [y/N] `)) return
  by.aptGet('update', '-qq')
  by.aptGet('install', '-y', '-qq', '--no-install-recommends', ...names)
}

/** @param {string} question */
function ask(question) {
  process.stdout.write(question)
  const terminal = openSync('/dev/tty', 'r')
  const answer = Buffer.alloc(64)
  const length = readSync(terminal, answer)
  closeSync(terminal)
  return /^y(es)?$/i.test(answer.toString('utf8', 0, length).trim())
}
