/** True for a URL, relative to `base` if that is given. `URL.canParse` is missing in browsers of 2023. */
export function isUrl(text: string, base?: string): boolean {
  try {
    return Boolean(new URL(text, base))
  } catch {
    return false
  }
}
