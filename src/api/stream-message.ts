/** What JSON can express, and bytes. */
export type StreamMessage =
  | string
  | number
  | boolean
  | null
  | ArrayBuffer
  | ArrayBufferView
  | readonly unknown[]
  | { readonly [member: string]: unknown }
