/** Scripts that Node runs as they are use these as well: hence no TypeScript. */
export function freePort(): Promise<number>
export function isListening(port: number): Promise<boolean>
