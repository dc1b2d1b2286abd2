import { showTicks } from './ticks.js'

showTicks({ script: '/tabstream-websocket.js' })
