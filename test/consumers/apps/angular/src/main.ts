import { Component, provideZonelessChangeDetection } from '@angular/core'
import { toSignal } from '@angular/core/rxjs-interop'
import { bootstrapApplication } from '@angular/platform-browser'
import { configure, defineStream, inspect, json } from 'tabstream'

configure({ worker: '/worker.js' })

// What the test asks each tab.
Object.assign(globalThis, { inspectTabstream: inspect })

const feed = defineStream('/events', { events: { tick: json<{ count: number }>() } })

@Component({
  selector: 'app-ticks',
  template: `
    <output id="latest">{{ count() }}</output>
    <output id="status">{{ status().state }}</output>
  `,
})
export class Ticks {
  readonly count = toSignal(
    feed.fold('tick', 0, (_former, { data }) => data.count),
    { requireSync: true },
  )
  readonly status = toSignal(feed.status, { requireSync: true })
}

bootstrapApplication(Ticks, { providers: [provideZonelessChangeDetection()] })
