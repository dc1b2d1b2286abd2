import { showTicks } from './ticks.js'

showTicks({ worker: '/tabstream-worker.js', script: '/tabstream-websocket.js' })
