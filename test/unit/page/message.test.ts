import { describe, expect, test } from 'vitest'
import { Message } from '../../../src/page/message.ts'

const message = new Message('cpu', 'one\ntwo', 'https://dash.test', 'id-1')

describe('a message', () => {
  test('has what a MessageEvent of a stream has', () => {
    const real = new MessageEvent('cpu', {
      data: 'one\ntwo',
      origin: 'https://dash.test',
      lastEventId: 'id-1',
    })
    const seen = [
      'type',
      'data',
      'origin',
      'lastEventId',
      'source',
      'ports',
      'bubbles',
      'cancelable',
      'composed',
    ]
    for (const name of [...seen, 'defaultPrevented', 'eventPhase', 'isTrusted', 'target', 'currentTarget']) {
      expect([name, Reflect.get(message, name)]).toEqual([name, Reflect.get(real, name)])
    }
    expect(message.ports).toBe(message.ports)
    expect(Object.isFrozen(message.ports)).toBe(true)
  })

  test('passes for a MessageEvent', () => {
    expect(message).toBeInstanceOf(MessageEvent)
    expect(message).toBeInstanceOf(Event)
    expect(message.constructor).toBe(MessageEvent)
    const tagOf = (event: Event) => Object.prototype.toString.call(event)
    expect(tagOf(message)).toBe(tagOf(new MessageEvent('cpu')))
  })

  test('shows nothing of its own but what every event shows', () => {
    const ofAnyEvent = Object.getOwnPropertyNames(new Event('cpu'))
    expect(Object.getOwnPropertyNames(message)).toEqual(ofAnyEvent)
    const names = []
    for (const name in message) names.push(name)
    expect(names).toEqual(
      expect.arrayContaining(['data', 'origin', 'lastEventId', 'source', 'ports', 'type']),
    )
  })

  test('can be written to as little as a MessageEvent', () => {
    expect(() => Object.assign(message, { data: 'other' })).toThrow(TypeError)
  })

  test('can be dispatched to another target', () => {
    const target = new EventTarget()
    const heard: unknown[] = []
    target.addEventListener('cpu', (event) => heard.push((event as MessageEvent).data, event.target))
    target.dispatchEvent(message)
    expect(heard).toEqual(['one\ntwo', target])
  })
})
