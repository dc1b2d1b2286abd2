import { Component, provideZonelessChangeDetection, signal } from '@angular/core'
import { bootstrapApplication } from '@angular/platform-browser'
import { configure } from 'tabstream'
import './alerts'
import { DashboardComponent } from './dashboard.component'
import { MachineComponent } from './machine.component'
import { MachinesComponent } from './machines.component'

configure({ worker: '/worker.js' })

// One component shows all three.
@Component({
  selector: 'app-root',
  imports: [DashboardComponent, MachineComponent, MachinesComponent],
  template: `
    <button (click)="isShown.set(!isShown())">{{ isShown() ? 'Hide' : 'Show' }}</button>
    @if (isShown()) {
      <div id="load"><div id="log"><div id="status"><app-dashboard /></div></div></div>
      <div id="machines"><app-machines /></div>
      <app-machine />
    }
  `,
})
export class App {
  readonly isShown = signal(true)
}

bootstrapApplication(App, { providers: [provideZonelessChangeDetection()] })
