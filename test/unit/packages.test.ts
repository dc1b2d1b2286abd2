import { expect, test } from 'vitest'
// @ts-expect-error: a script without types of its own
import { installPackages } from '../../.ci/packages.mjs'

/** What is done about missing packages where this is so. */
function done({ isRoot = true, isWatched = false, isForbidden = false, answer = false }) {
  const notes: string[] = []
  installPackages(['chromium', 'xvfb'], {
    isRoot: () => isRoot,
    isWatched: () => isWatched,
    isForbidden: () => isForbidden,
    ask: (question: string) => {
      notes.push(`ask: ${question}`)
      return answer
    },
    say: (words: string) => notes.push(`say: ${words}`),
    aptGet: (...args: string[]) =>
      notes.push(`apt-get ${args.filter((arg) => !arg.startsWith('-')).join(' ')}`),
  })
  return notes
}

const COMMAND = 'apt-get install --no-install-recommends chromium xvfb'
const INSTALLED = 'apt-get install chromium xvfb'
const asked = expect.stringMatching(`^ask: .*${COMMAND}\\? \\[y/N\\] $`)
const said = expect.stringMatching(`^say: .*${COMMAND}$`)

test.each([
  ['asks at a terminal, and heeds a no', { isWatched: true }, [asked]],
  [
    'asks at a terminal, and heeds a yes',
    { isWatched: true, answer: true },
    [asked, 'apt-get update', INSTALLED],
  ],
  ['says what it does where nobody can be asked', {}, [said, 'apt-get update', INSTALLED]],
  ['installs nothing where that is forbidden', { isForbidden: true, isWatched: true, answer: true }, [said]],
  ['installs nothing for anybody but root', { isRoot: false, isWatched: true, answer: true }, [said]],
])('what a test needs of the system: it %s', (_what, circumstances, notes) => {
  expect(done(circumstances)).toEqual(notes)
})
