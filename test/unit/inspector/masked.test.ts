import { expect, test } from 'vitest'
import { masked } from '../../../src/inspector/masked.ts'

test.each([
  ['https://dash.test/events', 'https://dash.test/events'],
  ['https://dash.test/events?token=abc', 'https://dash.test/events?token=…'],
  ['https://dash.test/events?token=abc&room=7', 'https://dash.test/events?token=…&room=…'],
  ['/events?token=a=b&c', '/events?token=…&…'],
  ['https://dash.test/events?abc', 'https://dash.test/events?…'],
  ['https://me:secret@dash.test/events', 'https://dash.test/events'],
  [
    'GET https://dash.test/a?t=abc failed, "/b?u=def" too',
    'GET https://dash.test/a?t=… failed, "/b?u=…" too',
  ],
  ['https://dash.test/events?token=abc#part', 'https://dash.test/events?token=…'],
])('%s is shown as %s', (text, shown) => {
  expect(masked(text)).toBe(shown)
})
