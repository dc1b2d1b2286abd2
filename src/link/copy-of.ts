/** In V8 a part of a text keeps the whole text alive, and a text that was joined keeps its pieces until it is looked into. */
export const copyOf = (text: string): string => ` ${text}`.slice(1)
