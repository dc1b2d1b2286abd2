import fc from 'fast-check'
import type { HostName } from '../../../src/link/host.ts'
import { TabstreamError } from '../../../src/page/errors.ts'
import type { SocketStream } from '../../../src/websocket/socket-stream.ts'
import { SimTab } from '../page.ts'
import type { VirtualServer } from '../world/server.ts'
import { SOCKET_SOURCE } from '../world/socket.ts'
import { seededRandom, World } from '../world/world.ts'

export interface SendingSchedule {
  seed: number
  host: HostName
  hasLocks: boolean
  happenings: Sending[]
  /** How one that is given is known. */
  sockets: true
  sends: true
}

/** What happens to pages that send. */
type Sending = { wait: number } & (
  | { type: 'open' }
  | { type: 'send'; tab: number; count: number }
  | { type: 'cut' | 'kill hub' | 'restart' }
  | { type: 'outage'; duration: number }
  | { type: 'close' | 'crash' | 'freeze' | 'wake'; tab: number }
)

const tab = fc.nat(3)
const wait = fc.oneof(fc.constant(0), fc.nat(30), fc.nat(300), fc.nat(3_000))
const sending = fc.oneof(
  { weight: 2, arbitrary: fc.record({ type: fc.constant('open'), wait }) },
  {
    weight: 8,
    arbitrary: fc.record({ type: fc.constant('send'), tab, count: fc.integer({ min: 1, max: 12 }), wait }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constantFrom('cut', 'kill hub', 'restart'), wait }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('outage'), duration: fc.nat(5_000), wait }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constantFrom('close', 'crash', 'freeze', 'wake'), tab, wait }),
  },
) as fc.Arbitrary<Sending>

export const sendings = fc.record({
  seed: fc.nat(),
  host: fc.constantFrom('shared-worker', 'leader') as fc.Arbitrary<HostName>,
  hasLocks: fc.boolean(),
  sockets: fc.constant(true as const),
  sends: fc.constant(true as const),
  happenings: fc.array(sending, { minLength: 1, maxLength: 40, size: 'max' }),
})

/** A tab that counts what it sends, and what has become of that. */
class Sender {
  readonly tab: SimTab
  readonly socket: SocketStream
  readonly #name: string
  readonly outcomes: string[] = []

  constructor(world: World, host: HostName, name: string) {
    this.#name = name
    this.tab = new SimTab(world, name, host)
    this.socket = this.tab.openSocket(world.servers[0] as VirtualServer)
  }

  send(count: number): void {
    if (!this.tab.canAct) return
    for (let sent = 0; sent < count; sent++) {
      const number = this.outcomes.push('')
      const settle = (outcome: string) => {
        if (this.outcomes[number - 1] !== '') this.outcomes[number - 1] = 'settled twice'
        this.outcomes[number - 1] = outcome
      }
      this.socket.send(`${this.#name} ${number}`).then(
        () => settle('sent'),
        (error) => settle(error instanceof TabstreamError ? error.type : String(error)),
      )
    }
  }

  /** What is wrong with what the server has had of it. */
  problems(heard: readonly string[], isLost: boolean): string[] {
    const numbers = heard
      .filter((text) => text.startsWith(`${this.#name} `))
      .map((text) => Number(text.slice(this.#name.length + 1)))
    const problems = numbers
      .filter((number, index) => number <= (numbers[index - 1] ?? 0))
      .map((number) => `${number} came twice, or late: ${numbers.join()}`)
    for (const [index, outcome] of this.outcomes.entries()) {
      const hasCome = numbers.includes(index + 1)
      if (outcome === 'not-sent' && hasCome) problems.push(`${index + 1} came, but is said not to be sent`)
      if (outcome === 'sent' && !hasCome && !isLost) problems.push(`${index + 1} was sent, and has not come`)
      if (outcome === '' && this.tab.canAct) problems.push(`${index + 1} has no outcome`)
      if (!['', 'sent', 'not-sent', 'hub-lost', 'no-host'].includes(outcome)) problems.push(outcome)
    }
    return problems.map((problem) => `${this.#name}: ${problem}`)
  }
}

/** Plays it, and tells what has gone wrong with what pages have sent. */
export async function problemsOfSending({
  seed,
  host,
  hasLocks,
  happenings,
}: SendingSchedule): Promise<string[]> {
  const world = new World({ kinds: ['strict'], random: seededRandom(seed), hasLocks, source: SOCKET_SOURCE })
  const server = world.servers[0] as VirtualServer
  const senders: Sender[] = []
  for (const happening of happenings) {
    const one = 'tab' in happening ? senders[happening.tab % Math.max(1, senders.length)] : undefined
    if (happening.type === 'open' && senders.length < 4)
      senders.push(new Sender(world, host, `tab ${senders.length}`))
    else if (happening.type === 'send') one?.send(happening.count)
    else if (happening.type === 'cut' || happening.type === 'restart') server.cut(new TypeError('cut'))
    else if (happening.type === 'kill hub') {
      for (const { agent } of world.workers()) agent.kill()
      for (const { tab } of senders) if (tab.leads) tab.end({ isCrash: true })
    } else if (happening.type === 'outage') {
      server.refuseWith = 'network error'
      server.cut(new TypeError('cut'))
      world.clock.schedule(happening.duration, () => {
        server.refuseWith = undefined
      })
    } else if (happening.type === 'close' || happening.type === 'crash')
      one?.tab.end({ isCrash: happening.type === 'crash' })
    else if (happening.type === 'freeze' || happening.type === 'wake') one?.tab[happening.type]()
    await world.clock.advance(happening.wait)
  }
  server.refuseWith = undefined
  for (const { tab } of senders) tab.wake()
  await world.clock.advance(60_000)
  const living = senders.filter(({ tab }) => tab.canAct)
  for (const sender of living) sender.send(1)
  await world.clock.advance(10_000)
  const heard = world.heard.map(({ data }) => data)
  const isLost = happenings.some(({ type }) => type !== 'open' && type !== 'send')
  const problems = senders.flatMap((sender) => sender.problems(heard, isLost))
  for (const { outcomes } of living)
    if (outcomes.at(-1) !== 'sent') problems.push(`the last message: ${outcomes.at(-1)}`)
  if (server.peak > 1 && host === 'shared-worker' && !happenings.some(({ type }) => type === 'kill hub'))
    problems.push(`${server.peak} connections`)
  return problems
}
