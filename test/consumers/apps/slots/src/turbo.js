import { connectStreamSource } from '@hotwired/turbo'
import { SharedEventSource } from 'tabstream'

connectStreamSource(new SharedEventSource('/turbo'))
