import { Component } from '@angular/core'
import { toSignal } from '@angular/core/rxjs-interop'
import { feed } from '../feed.js'

@Component({
  selector: 'app-ticks',
  template: `
    <output id="latest">{{ count() }}</output>
    <output id="status">{{ status().state }}</output>
  `,
})
export class Ticks {
  readonly count = toSignal(
    feed.fold('tick', 0, (_former, { data }) => (data as { count: number }).count),
    { requireSync: true },
  )
  readonly status = toSignal(feed.status, { requireSync: true })
}
