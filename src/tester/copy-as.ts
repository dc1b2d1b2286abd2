import { UsageError } from './usage.ts'

/** A request, in values that may be shown. */
export interface ShownRequest {
  readonly url: string
  readonly method: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly cookie: string
  readonly body: string | undefined
}

const FORMATS: Readonly<Record<string, (request: ShownRequest) => string>> = {
  curl,
  eventsource,
  connect: connecting,
}

/** The request as a command or as code. Throws {@link UsageError} for an unknown format. */
export function copyAs(format: string, request: ShownRequest): string {
  const write = Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined
  if (write === undefined)
    throw new UsageError(`--copy-as knows no "${format}": it is one of ${Object.keys(FORMATS).join(', ')}`)
  return write(request)
}

function curl({ url, method, headers, cookie, body }: ShownRequest): string {
  const parts = ['curl -N']
  if (method !== (body === undefined ? 'GET' : 'POST')) parts.push(`-X ${method}`)
  parts.push(`-H ${inShell('accept: text/event-stream')}`)
  for (const [name, value] of headers) parts.push(`-H ${inShell(`${name}: ${value}`)}`)
  if (cookie !== '') parts.push(`-b ${inShell(cookie)}`)
  if (body !== undefined) parts.push(`--data-raw ${inShell(body)}`)
  return `${[...parts, inShell(url)].join(' ')}\n`
}

function eventsource({ url, method, headers, cookie, body }: ShownRequest): string {
  const lost = [
    method !== 'GET' && `the method ${method}`,
    headers.length > 0 && 'headers',
    body !== undefined && 'a body',
  ].filter(Boolean)
  const note = lost.length === 0 ? '' : `// EventSource cannot send ${lost.join(', ')}: use connect().\n`
  return `${note}const events = new EventSource(${inScript(url)}${cookie === '' ? '' : ', { withCredentials: true }'})\n`
}

function connecting({ url, method, headers, cookie, body }: ShownRequest): string {
  const options = [
    method !== 'GET' && `  method: ${inScript(method)},`,
    headers.length > 0 &&
      `  headers: { ${headers.map(([name, value]) => `${inScript(name)}: ${inScript(value)}`).join(', ')} },`,
    body !== undefined && `  body: ${inScript(body)},`,
    cookie !== '' && `  credentials: 'include',`,
  ].filter(Boolean)
  const second = options.length === 0 ? '' : `, {\n${options.join('\n')}\n}`
  return `import { connect } from 'tabstream'\n\nconst stream = connect(${inScript(url)}${second})\n`
}

const inShell = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

const inScript = (text: string): string =>
  `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
