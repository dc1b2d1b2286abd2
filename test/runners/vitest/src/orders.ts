import { connect, defineStream, json, text } from 'tabstream'

export interface Order {
  id: number
  total: number
}

export const orders = defineStream('/orders', { events: { order: json<Order>(), note: text } })

// Opened as soon as the module is loaded.
export const alerts = connect('/alerts', { events: { alert: text } })
