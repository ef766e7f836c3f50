import { styleText } from 'node:util'

/** What we need to know of a stream: `process.stdout`, `process.stderr`. */
export interface TerminalStream extends NodeJS.WritableStream {
  isTTY?: boolean
  columns?: number
}

/** Whether a stream shows colours: a terminal, and neither NO_COLOR nor a dumb one; FORCE_COLOR overrules. */
export function hasColours(stream: TerminalStream): boolean {
  return styleText('bold', 'x', { stream }) !== 'x'
}

/** Columns to fit into: COLUMNS where it is set, those of the terminal, none for a file or a pipe. */
export function columnsOf(
  stream: TerminalStream,
  environment: Readonly<Record<string, string | undefined>>,
): number {
  const told = Number(environment.COLUMNS)
  if (Number.isSafeInteger(told) && told > 0) return told
  return stream.isTTY === true && stream.columns !== undefined && stream.columns > 0
    ? stream.columns
    : Number.POSITIVE_INFINITY
}

/**
 * Text of others with its control characters made visible, so that it cannot move the cursor, recolour what
 * was printed or set the clipboard of a terminal. Line breaks and tabs stay.
 */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/\r\n/g, '\n').replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, picture)
}

/** U+2400 on are pictures of the characters from U+0000 on. */
function picture(character: string): string {
  const code = character.charCodeAt(0)
  if (code < 0x20) return String.fromCharCode(0x2400 + code)
  return code === 0x7f ? '\u2421' : '\ufffd'
}
