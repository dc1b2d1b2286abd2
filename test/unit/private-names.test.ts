import { describe, expect, test } from 'vitest'
// @ts-expect-error: a script without types of its own
import { numberPrivateNames } from '../../.ci/private-names.mjs'

describe('private names', () => {
  test('are numbered anew in each class, in the order of their declarations', () => {
    const code = 'class A { #one = 1; #two() { return this.#one } } class B { #two = 2; #one = this.#two }'
    expect(numberPrivateNames(code)).toBe(
      'class A { #_0_0 = 1; #_0_1() { return this.#_0_0 } } class B { #_0_0 = 2; #_0_1 = this.#_0_0 }',
    )
  })

  test('of a getter and its setter stay one', () => {
    const code = 'class A { get #one() { return 1 } set #one(value) {} #two = this.#one }'
    expect(numberPrivateNames(code)).toBe(
      'class A { get #_0_0() { return 1 } set #_0_0(value) {} #_0_1 = this.#_0_0 }',
    )
  })

  test('of a class within another one do not hide those of the other', () => {
    const code = 'class A { #one; #two = (a) => class { #one = a.#two; has(b) { return #one in b } } }'
    expect(numberPrivateNames(code)).toBe(
      'class A { #_0_0; #_0_1 = (a) => class { #_1_0 = a.#_0_1; has(b) { return #_1_0 in b } } }',
    )
  })

  test('in texts are texts', () => {
    const code = 'class A { #one = "#one" } const B = `#one`'
    expect(numberPrivateNames(code)).toBe('class A { #_0_0 = "#one" } const B = `#one`')
  })
})
