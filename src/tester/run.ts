import { bufferingVerdict, showsPace } from './buffering-verdict.ts'
import { checksOf } from './checks.ts'
import { type Command, commandOf, learnFrom } from './command.ts'
import { copyAs } from './copy-as.ts'
import type { Met } from './expectations.ts'
import { preflight, protocolsOf } from './preflight.ts'
import { publicOnly } from './public-addresses.ts'
import type { Recording } from './recording.ts'
import { type ConnectionReport, connectionReport, type Report, reportOf, requestReport } from './report.ts'
import { resumptionVerdict } from './resumption-verdict.ts'
import { Secrets } from './secrets.ts'
import { Tester } from './tester.ts'
import { ConnectionsInText, requestInText, verdictsInText } from './text.ts'
import { HELP, UsageError } from './usage.ts'

/** How long, in ms, what follows on other IDs is waited for, beyond what a resumption takes. */
const PATIENCE = 1_000

/** Where the command's words go, and where it hears of its user. */
export interface Terminal {
  write(text: string): void
  /** For errors. */
  complain(text: string): void
  /** Calls `act` with each line that the user enters, until what it returns is called. */
  onEnter(act: () => void): () => void
}

/**
 * Runs the command, and answers with its exit status: 0 if all is well, 1 if there is no stream or an expectation is not met, 2 if
 * the command is wrong. It never rejects.
 *
 * @param args what follows `tabstream`
 * @param version of the package
 */
export async function run(args: readonly string[], version: string, terminal: Terminal): Promise<number> {
  try {
    const command = commandOf(args)
    if (command === 'help') terminal.write(HELP)
    else if (command === 'version') terminal.write(`${version}\n`)
    else return await perform(command, terminal)
    return 0
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    terminal.complain(`tabstream: ${error.message}\n`)
    return 2
  }
}

async function perform(command: Command, terminal: Terminal): Promise<number> {
  const { request, isJson, isRaw, note, showsSecrets } = command
  const secrets = new Secrets(showsSecrets)
  learnFrom(request, secrets)
  const shown = requestReport(request, secrets)
  if (command.copyAs !== undefined) {
    terminal.write(copyAs(command.copyAs, shown))
    return 0
  }
  const write = isJson ? () => {} : terminal.write
  write(requestInText(shown))
  const live = new ConnectionsInText(write, secrets, isRaw)
  const report = await test(command, secrets, live, terminal)
  terminal.write(isJson ? `${JSON.stringify(report, undefined, 2)}\n` : verdictsInText(report, note))
  const isMet = report.expectations.every((expectation) => expectation.isMet)
  return report.problem === '' && isMet ? 0 : 1
}

/** Tests the server of a command. */
async function test(
  { request, cutAfter, duration, expectations, isPublicOnly, isCutOnEnter }: Command,
  secrets: Secrets,
  live: ConnectionsInText,
  terminal: Terminal,
): Promise<Report> {
  const connections: ConnectionReport[] = []
  const former: Recording[] = []
  const options = { ...request, ...(isPublicOnly && publicOnly()) }
  const tester = new Tester({
    ...options,
    cutAfter,
    duration,
    patience: PATIENCE,
    hasEnough: (recording) => showsPace(recording) && expectations.every((one) => one.isSettled(recording)),
    watch: {
      begun: (recording) => live.begun(recording),
      opened: (recording) => live.opened(recording),
      framed: (frame, before) => live.framed(frame, before),
      ended: (recording) => {
        const connection = connectionReport(recording, former, secrets)
        former.push(recording)
        connections.push(connection)
        live.ended(connection)
      },
    },
  })
  const leave = isCutOnEnter ? terminal.onEnter(() => tester.cut()) : () => {}
  const { recordings, failure, resumption: findings } = await tester.run()
  leave()
  const [first] = recordings as [Recording]
  const problem = problemOf(failure)
  const resumption = resumptionVerdict(findings)
  const buffering = bufferingVerdict(recordings, problem)
  const url = new URL(first.head?.url ?? request.url)
  const hasAnswered = first.head !== undefined
  const names = request.headers.map(([name]) => name)
  const asksAsOther = hasAnswered && request.origin !== ''
  const asked = asksAsOther ? await preflight(url, request.method, names, options) : undefined
  const checks = checksOf(first, asked, hasAnswered ? await protocolsOf(url, options) : [])
  const found = { resumption, buffering, checks, first }
  const met = expectations.map(({ text, isMet, words }): Met => {
    return { text, isMet: isMet(found), words: words(found) }
  })
  const shown = requestReport(request, secrets)
  return reportOf(shown, problem, { resumption, buffering }, checks, met, connections, secrets)
}

/** With the beginning of what the server says instead of a stream. */
function problemOf(failure: { readonly message: string; readonly body: string } | undefined): string {
  if (failure === undefined) return ''
  const { message, body } = failure
  const beginning = body.trim().replace(/\s+/g, ' ').slice(0, 200)
  return beginning === '' ? message : `${message}: ${beginning}`
}
