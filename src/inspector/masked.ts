/**
 * A URL, or a text that names some, without what may be secret: values of queries, and names and passwords of users.
 *
 * @example
 * masked('https://dash.test/events?token=abc&page') // 'https://dash.test/events?token=…&…'
 */
export const masked = (text: string): string =>
  text
    .replace(/\/\/[^/\s@]*@/g, '//')
    .replace(/\?[^\s"'<>]+/g, (query) => `?${query.slice(1).split('&').map(withoutValue).join('&')}`)

const withoutValue = (parameter: string): string => {
  const end = parameter.indexOf('=')
  return `${parameter.slice(0, end + 1)}…`
}

/** How the panel writes a text that may name a URL. */
export type Words = (text: string) => string

/** As it is, where the developer has asked for it. */
export const unmasked: Words = (text) => text
