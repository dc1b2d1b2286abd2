import { beforeEach, describe, expect, test, vi } from 'vitest'

/** The module keeps what was configured: each test has its own. */
let library: typeof import('../../../src/index.ts')

beforeEach(async () => {
  vi.resetModules()
  library = await import('../../../src/index.ts')
})

const misuse = (message: string) =>
  expect.objectContaining({
    name: 'TabstreamError',
    type: 'configuration',
    message: expect.stringContaining(message),
  })

describe('disturb() complains', () => {
  test('where it was not allowed', async () => {
    await expect(library.disturb({ type: 'end-hub' })).rejects.toEqual(
      misuse('disturb() is for development; allow it by configure({ inspector: true })'),
    )
  })

  test.each([
    [undefined, 'whose type is one of cut, reconnect, offline, skip, end-hub, slow, not undefined'],
    [null, 'whose type is one of'],
    [{ type: 'explode' }, 'not "explode"'],
    [{ type: 'cut' }, 'stream must be the ID of a stream, not undefined'],
    [{ type: 'skip', stream: 7 }, 'stream must be the ID of a stream, not number 7'],
    [{ type: 'offline' }, 'isOffline must be true or false, not undefined'],
    [{ type: 'slow', delay: -1 }, 'delay must be a number of ms up to 10000, not number -1'],
    [{ type: 'slow', delay: 10_001 }, 'not number 10001'],
    [{ type: 'slow', delay: Number.NaN }, 'not number NaN'],
    [{ type: 'slow', delay: '7' }, 'not "7"'],
  ])('of %j', async (disturbance, words) => {
    library.configure({ inspector: true })
    await expect(library.disturb(disturbance as never)).rejects.toEqual(misuse(words))
  })

  test('where there is no browser, of that', async () => {
    library.configure({ inspector: true })
    await expect(library.disturb({ type: 'end-hub' })).rejects.toMatchObject({ type: 'no-host' })
  })
})
