import { Component, effect, input, signal } from '@angular/core'
import { defineStream, json, streamFamily } from 'tabstream'

const machine = streamFamily((id: string) =>
  defineStream(`/machines/${id}/events`, { events: { cpu: json<{ load: number }>() } }),
)

@Component({ selector: 'app-machine', template: `<p>{{ load() ?? 'not live' }}</p>` })
export class MachineComponent {
  readonly id = input<string>()
  readonly load = signal<number | undefined>(undefined)

  constructor() {
    effect((onCleanup) => {
      const id = this.id()
      if (id === undefined) return this.load.set(undefined)
      onCleanup(
        machine(id)
          .latest('cpu')
          .subscribe((event) => this.load.set(event?.data.load)),
      )
    })
  }
}
