import { showTicks } from './ticks.js'

showTicks()
