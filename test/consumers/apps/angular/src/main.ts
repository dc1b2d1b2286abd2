import { provideZonelessChangeDetection } from '@angular/core'
import { bootstrapApplication } from '@angular/platform-browser'
import { configure } from 'tabstream'
import { Ticks } from './ticks'

configure({ worker: '/worker.js' })

bootstrapApplication(Ticks, { providers: [provideZonelessChangeDetection()] })
