import { define } from './inspector-element.ts'

export type { Action, Answer, InspectedHub } from './hub.ts'
export { TabstreamInspector } from './inspector-element.ts'
export { type InspectorOptions, mountInspector } from './mount.ts'

define()
