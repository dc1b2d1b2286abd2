import { declare, find, setText } from './element.js'
import { describeSharing, loadStats } from './source.js'

const POLL_EVERY = 2000
const MORE = 10

/** @type {Record<string, string>} */
const hostNames = {
  'shared-worker': 'SharedWorker',
  leader: 'Leader tab',
  direct: 'This tab alone',
  native: 'EventSource',
}

/** @param {string} name @param {string} text */
const showText = (name, text) => {
  const fact = find(name)
  setText(fact, text)
  // Words are longer than numbers; in the size of a number they would not fit a phone.
  fact.classList.toggle('word', !/^\d/.test(text))
}

/** @param {'host' | 'tabs' | 'connections'} name @param {string | number} value @param {string} [text] */
const show = (name, value, text = String(value)) => {
  declare(name, value)
  showText(name, text)
}

/** @param {() => Promise<void>} task */
const repeat = async (task) => {
  await task()
  setTimeout(() => void repeat(task), POLL_EVERY)
}

/** @param {() => import('./source.js').Kind} kind the one in use */
export const watchSharing = (kind) => {
  void repeat(async () => {
    try {
      show('connections', (await loadStats()).connections)
    } catch (error) {
      const starved = kind() === 'native' && error instanceof Error && error.name === 'TimeoutError'
      showText('connections', starved ? 'none free' : 'no answer')
    }
  })
  void repeat(async () => {
    const asked = kind()
    try {
      const { host, tabs } = await describeSharing(asked)
      if (asked !== kind()) return
      show('host', host, hostNames[host])
      show('tabs', tabs, asked === 'native' ? 'none' : String(tabs))
    } catch {
      showText('host', 'unknown')
      showText('tabs', 'unknown')
    }
  })
}

/** @param {number} opened */
const describeOpened = (opened) => {
  if (opened === MORE) return ''
  const blocked = `Your browser's pop-up blocker stopped ${MORE - opened} of ${MORE} tabs.`
  return `${blocked} Allow pop-ups for this address, then press the button again.`
}

const openMore = () => {
  const tabs = Array.from({ length: MORE }, () => window.open(location.href, '_blank'))
  setText(find('opened'), describeOpened(tabs.filter((tab) => tab && !tab.closed).length))
}

export const offerMoreTabs = () => find('more').addEventListener('click', openMore)
