import { provideZonelessChangeDetection } from '@angular/core'
import { bootstrapApplication } from '@angular/platform-browser'
import { configure } from 'tabstream'
import { connectSocket } from 'tabstream/websocket'
import { Ticks } from './ticks'

configure({ worker: '/worker.js' })

Object.assign(globalThis, { openSocket: () => connectSocket('/live', { script: '/websocket-source.js' }) })

bootstrapApplication(Ticks, { providers: [provideZonelessChangeDetection()] })
