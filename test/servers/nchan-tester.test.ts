import { afterEach, describe, expect, test } from 'vitest'
import { tabstream } from '../unit/tester/tool.ts'
import { Nginx } from './nginx.ts'
import { needs } from './program.ts'

// `tabstream test --preset nchan` on a real Nchan: what the documentation says of it is true.

const MODULE = 'load_module /usr/lib/nginx/modules/ngx_nchan_module.so;'

const PLACES = `
location ~ /pub/(\\w+)$ { nchan_publisher; nchan_channel_id $1; nchan_message_buffer_length 50; }
location ~ /sub/(\\w+)$ { nchan_subscriber eventsource; nchan_channel_id $1; nchan_subscriber_first_message newest; }
location ~ /sub/(\\w+),(\\w+)$ { nchan_subscriber eventsource; nchan_channel_id $1 $2; nchan_subscriber_first_message newest; }
`

let timers: NodeJS.Timeout[] = []

afterEach(() => {
  for (const timer of timers) clearInterval(timer)
  timers = []
})

/** Publishes to these channels, in turn, all the while. */
function publish(origin: string, channels: readonly string[]): void {
  let count = 0
  timers.push(
    setInterval(() => {
      const channel = channels[count++ % channels.length]
      fetch(`${origin}/pub/${channel}`, { method: 'POST', body: `n${count}` }).catch(() => {})
    }, 100),
  )
}

async function verdictAt(origin: string, ...topics: readonly string[]): Promise<string> {
  publish(origin, topics)
  const { text } = await tabstream(
    ...['test', origin, '--preset', 'nchan', '--duration', '4s'],
    ...topics.flatMap((topic) => ['--topic', topic]),
  )
  return text
}

describe('the tester says of Nchan', { retry: 2 }, () => {
  test('with one channel: it replays what came after the ID', async (context) => {
    needs(context, 'nginx', 'nchan')
    const nginx = await Nginx.start({ main: MODULE, server: PLACES })
    const text = await verdictAt(nginx.origin, 'news')
    expect(text).toContain(`GET ${nginx.origin}/sub/news`)
    expect(text).toContain('Does it resume? yes: this server replays what came after the ID')
    expect(text).toContain('with tabstream: everything, once: no gap')
    expect(text).toContain('Is something buffering? no')
    expect(text).toContain('A union of channels cannot be resumed reliably.')
  })

  test('with a union of channels: it gives an event another ID when it sends it again', async (context) => {
    needs(context, 'nginx', 'nchan')
    const nginx = await Nginx.start({ main: MODULE, server: PLACES })
    // It does so with what was sent after the second in which it was cut.
    let text = ''
    for (let count = 0; count < 8 && renamedIn(text) < 2; count++)
      text = await verdictAt(nginx.origin, 'news', 'chat')
    expect(renamedIn(text)).toBeGreaterThan(1)
    expect(text).toContain(`GET ${nginx.origin}/sub/news,chat`)
    expect(text).toMatch(/Does it resume\? no: this server (?:gives an event another ID|ignores)/)
    expect(text).toContain('with tabstream: a gap (history-lost) after each lost connection')
  })
})

/** How many events the third connection brought under another ID than the second. */
function renamedIn(text: string): number {
  const [, , second = '', third = ''] = text.split(/^Connection \d/m)
  const idsIn = (part: string) =>
    new Map([...part.matchAll(/message id "(.*?)" "(n\d+)"/g)].map(([, id, data]) => [data, id]))
  const before = idsIn(second)
  return [...idsIn(third)].filter(([data, id]) => before.has(data) && before.get(data) !== id).length
}
