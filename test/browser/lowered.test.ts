import { describe, expect, test } from 'vitest'
import type { SharedStream } from '../../src/index.ts'
import { launchShell } from '../engines/chromium.ts'
import { testEssentials } from '../engines/essential.ts'
import { useEngine } from '../engines/stage.ts'

// Apps compile their dependencies. Default builds of Vite 5 and 6, and builds for any target up to ES2021, replace private
// fields and methods by WeakMaps, and that must not change what the library does.

type Ticks = { tick: { number: number }; end: string }

declare global {
  // They live in the page.
  var ticks: SharedStream<Ticks>
  var heard: string[]
  var looped: Promise<number[]>
}

describe.each(['es2017', 'es2020'])('compiled for %s', (target) => {
  const setStage = useEngine(launchShell)

  describe.each(['shared-worker', 'leader'])('%s', (host) => {
    const page = `/page?host=${host}&target=${target}`

    test('the code is indeed without private fields', async () => {
      const { server } = await setStage(page)
      for (const file of ['index.js', 'page.js', 'shared-event-source.js', 'hub.js', 'worker.js']) {
        const code = async (folder: string) => (await fetch(server.url(`/${folder}/${file}`))).text()
        const privateField = /this\.#\w/
        if (file !== 'index.js') expect(await code('tabstream'), file).toMatch(privateField)
        expect(await code(`lowered/${target}`), file).not.toMatch(privateField)
      }
    })

    testEssentials(host, () => setStage(page))

    test('connect() gives typed events to listeners and loops, until the end', async () => {
      const { server, open } = await setStage(page)
      const channel = server.channel('ticks')
      const tabs = [await open(), await open()]
      for (const tab of tabs) {
        await tab.evaluate(async () => {
          globalThis.heard = []
          const { connect, json, text } = tabstream
          globalThis.ticks = connect('/events/ticks', {
            events: { tick: json<Ticks['tick']>(), end: text },
            until: ({ name }) => name === 'end',
          })
          ticks.on('tick', ({ data }) => heard.push(`tick ${data.number}`))
          ticks.on('end', ({ data }) => heard.push(`end ${data}`))
          const loop = async () => {
            const numbers: number[] = []
            for await (const { data } of ticks.events('tick')) numbers.push(data.number)
            return numbers
          }
          globalThis.looped = loop()
          await new Promise<void>((resolve) => ticks.onStatus(({ state }) => state === 'open' && resolve()))
        }, undefined)
      }
      channel.send(
        { event: 'tick', data: '{"number":1}' },
        { event: 'tick', data: '{"number":2}' },
        { event: 'end', data: 'bye' },
      )
      for (const tab of tabs) {
        expect(await tab.evaluate(() => looped, undefined)).toEqual([1, 2])
        expect(await tab.evaluate(() => heard, undefined)).toEqual(['tick 1', 'tick 2', 'end bye'])
        expect(await tab.evaluate(() => ticks.status.state, undefined)).toBe('closed')
      }
      expect(channel.requests).toHaveLength(1)
    })
  })
})
