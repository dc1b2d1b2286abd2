import { type Engine, PLACEHOLDER } from '../../src/link/topics.ts'
import { withParameters } from './frame.ts'

/** A path has it in other characters. */
const ANY_PLACEHOLDER = new RegExp(`${PLACEHOLDER}|${encodeURI(PLACEHOLDER)}`, 'i')

/** By which a server is asked for topics. */
export function urlOf(
  url: string,
  topics: readonly string[],
  { parameter = 'topic', separator }: Engine,
): string {
  const filled = url.replace(ANY_PLACEHOLDER, () => topics.map(encodeURIComponent).join(separator ?? ','))
  if (filled !== url) return filled
  const values = separator === undefined ? topics : [topics.join(separator)]
  return withParameters(
    url,
    values.map((value) => [parameter, value] as const),
  )
}
