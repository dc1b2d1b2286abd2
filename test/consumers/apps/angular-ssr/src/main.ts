import { bootstrapApplication } from '@angular/platform-browser'
import { configure } from 'tabstream'
import { config } from './config'
import { Ticks } from './ticks'

configure({ worker: '/worker.js' })

bootstrapApplication(Ticks, config)
