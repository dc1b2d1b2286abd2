import { defineStream, json, text } from 'tabstream'

export interface Cpu {
  load: number
}

export const feed = defineStream('/events', { events: { cpu: json<Cpu>(), log: text } })
