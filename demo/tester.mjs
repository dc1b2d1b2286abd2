import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/**
 * @typedef {import('node:child_process').ChildProcess} ChildProcess
 * @typedef {import('node:http').IncomingMessage} IncomingMessage
 * @typedef {import('node:http').ServerResponse} ServerResponse
 */

const COMMAND = fileURLToPath(new URL('../dist/cli.js', import.meta.url))

/** So many bytes a request may have, so many tests may run at a time, and so long, in seconds, a connection may be read. */
const MOST_BYTES = 65_536
const MOST_TESTS = 4
const LONGEST = 60

/** Fields of a request that are options of the command by the same name. */
const OPTIONS = ['method', 'body', 'last-event-id', 'origin', 'preset', 'cut-after', 'duration', 'copy-as']
/** Those that may be given several times. */
const LISTS = ['header', 'cookie', 'topic', 'expect']

/** Runs `tabstream test` for the page "Test a server". A page of another site cannot ask for it: its JSON needs a preflight. */
export class Tester {
  #running = 0
  #isAnyAllowed
  /** Commands that pages may cut the connections of, by the names that these have made up. @type {Map<string, ChildProcess>} */
  #commands = new Map()

  /** @param {boolean} isAnyAllowed addresses that are not public may be asked as well */
  constructor(isAnyAllowed) {
    this.#isAnyAllowed = isAnyAllowed
  }

  /**
   * Answers with what the command prints, as it prints it.
   *
   * @param {IncomingMessage} request
   * @param {ServerResponse} response
   */
  async handle(request, response) {
    if (request.headers['content-type'] !== 'application/json')
      return refuse(response, 415, 'It must be JSON')
    if (this.#running >= MOST_TESTS) return refuse(response, 503, 'Others are testing: try again in a moment')
    this.#running++
    try {
      const fields = JSON.parse(await read(request))
      const args = argumentsOf(fields)
      if (typeof args === 'string') return refuse(response, 400, args)
      await this.#run(this.#isAnyAllowed ? args : ['--public-only', ...args], String(fields.name), response)
    } finally {
      this.#running--
    }
  }

  /**
   * Cuts the present connection of a test, whose name is as hard to guess as the page has made it.
   *
   * @param {IncomingMessage} request
   * @param {ServerResponse} response
   */
  async cut(request, response) {
    if (request.headers['content-type'] !== 'application/json')
      return refuse(response, 415, 'It must be JSON')
    const command = this.#commands.get(String(JSON.parse(await read(request)).name))
    if (command === undefined) return refuse(response, 404, 'There is no such test')
    command.stdin?.write('\n')
    response.writeHead(204).end()
  }

  /** @param {string[]} args @param {string} name @param {ServerResponse} response */
  async #run(args, name, response) {
    const command = spawn(process.execPath, [COMMAND, ...args])
    // It may have ended, and read no more.
    command.stdin.on('error', () => {})
    this.#commands.set(name, command)
    response.on('close', () => command.kill())
    response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' })
    response.flushHeaders()
    command.stdout.pipe(response, { end: false })
    command.stderr.pipe(response, { end: false })
    await new Promise((resolve) => command.once('close', resolve))
    if (this.#commands.get(name) === command) this.#commands.delete(name)
    response.end()
  }
}

/** @param {ServerResponse} response @param {number} status @param {string} words */
const refuse = (response, status, words) => {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(`${words}\n`)
}

/** @param {IncomingMessage} request @returns {Promise<string>} */
const read = async (request) => {
  let text = ''
  for await (const bytes of request.setEncoding('utf8')) {
    text += bytes
    if (text.length > MOST_BYTES) throw new Error('too large')
  }
  return text
}

/**
 * Arguments of the command; or why there are none. Each value stands behind its option's name, so it cannot be an option itself.
 *
 * @param {Record<string, any>} fields
 * @returns {string[] | string}
 */
const argumentsOf = (fields) => {
  const { url } = fields
  if (typeof url !== 'string') return 'There is no URL'
  // The command would read a file of this machine.
  if (String(fields.body ?? '').startsWith('@')) return 'A body cannot begin with @ here'
  if (Number(fields.duration ?? 0) > LONGEST) return `A connection is read for ${LONGEST} seconds at most`
  const single = OPTIONS.flatMap((name) => (fields[name] ? [`--${name}=${fields[name]}`] : []))
  const several = LISTS.flatMap((name) =>
    (fields[name] ?? []).map((/** @type {string} */ value) => `--${name}=${value}`),
  )
  const raw = fields.raw === true ? ['--raw'] : []
  return [...single, ...several, ...raw, '--cut-on-enter', '--', 'test', ...(url === '' ? [] : [url])]
}
