import { Component, computed } from '@angular/core'
import { toSignal } from '@angular/core/rxjs-interop'
import { feed } from './feed'

@Component({
  selector: 'app-dashboard',
  template: `
    <p [class.high]="isHigh()">{{ cpu()?.data?.load ?? 'waiting' }}</p>
    <ul>
      @for (line of lines(); track line.id) {
        <li>{{ line.data }}</li>
      }
    </ul>
    @switch (status().state) {
      @case ('retrying') { <p>Again at {{ status().retryAt?.toLocaleTimeString() }}</p> }
      @case ('closed') { <p>Ended: {{ status().error?.message }} <button (click)="reconnect()">Try again</button></p> }
      @default { <p>{{ status().state }}</p> }
    }
  `,
})
export class DashboardComponent {
  readonly cpu = toSignal(feed.latest('cpu'), { requireSync: true })
  readonly isHigh = computed(() => (this.cpu()?.data.load ?? 0) > 0.9)
  readonly lines = toSignal(
    feed.fold(
      'log',
      [] as { id: string; data: string }[],
      (all, { id, data }) => [...all, { id, data }].slice(-200),
      { replay: 200 },
    ),
    { requireSync: true },
  )
  readonly status = toSignal(feed.status, { requireSync: true })
  readonly reconnect = () => feed.reconnect()
}
