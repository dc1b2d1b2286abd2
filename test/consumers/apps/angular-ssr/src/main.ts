import { bootstrapApplication } from '@angular/platform-browser'
import { configure } from 'tabstream'
import { connectSocket } from 'tabstream/websocket'
import { config } from './config'
import { Ticks } from './ticks'

configure({ worker: '/worker.js' })

Object.assign(globalThis, { openSocket: () => connectSocket('/live', { script: '/websocket-source.js' }) })

bootstrapApplication(Ticks, config)
