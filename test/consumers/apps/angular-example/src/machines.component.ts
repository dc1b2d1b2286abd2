import { Component, DestroyRef, inject, signal } from '@angular/core'
import { feed } from './feed'

@Component({ selector: 'app-machines', template: `<p>{{ machines().join(', ') }}</p>` })
export class MachinesComponent {
  readonly machines = signal<string[]>([])

  constructor() {
    const refetch = async () => this.machines.set(await (await fetch('/machines')).json())
    refetch()
    const destroyed = inject(DestroyRef)
    destroyed.onDestroy(feed.onGap(refetch))
    destroyed.onDestroy(feed.on('log', ({ data }) => console.log(data)))
  }
}
