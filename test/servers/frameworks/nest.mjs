import 'reflect-metadata'
import { Controller, Module, Sse } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { Observable } from 'rxjs'

export async function serve(port, subscribe) {
  class Events {
    events() {
      return new Observable((subscriber) => subscribe((data) => subscriber.next({ type: 'tick', data })))
    }
  }
  // As decorators do.
  Sse('events')(Events.prototype, 'events', Object.getOwnPropertyDescriptor(Events.prototype, 'events'))
  Controller()(Events)
  class App {}
  Module({ controllers: [Events] })(App)
  const app = await NestFactory.create(App, { logger: ['error'] })
  await app.listen(port, '127.0.0.1')
}
