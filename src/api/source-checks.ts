import { isPointer } from '../link/identify.ts'
import { describe, misuse } from './checks.ts'

// Checks that the entries for other sources than Server-Sent Events share.

/** @throws {TabstreamError} of type `'configuration'` where a value is not what is wanted */
export function demand(name: string, value: unknown, wanted: string, isSo: boolean): void {
  if (!isSo) throw misuse(`${name} must be ${wanted}, not ${describe(value)}`)
}

export const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

interface Frame {
  each?: string
  name?: string
  id?: string
  data?: string
}

/** In one order, since tabs share where it is equal. @throws {TabstreamError} of type `'configuration'` */
export function frameOf(frame: Frame = {}): Frame {
  const isFrame =
    isObject(frame) && Object.entries(frame).every(([name, pointer]) => isFramePart(name, pointer))
  demand('frame', frame, 'an object of JSON Pointers: { each, name, id, data }', isFrame)
  const { each, name, id, data } = frame
  return { each, name, id, data } as Frame
}

const isFramePart = (name: string, pointer: unknown): boolean =>
  ['each', 'name', 'id', 'data'].includes(name) && (pointer === undefined || isPointer(pointer))
