/**
 * Splits a command line at its spaces, but for those within quotes. A backslash takes a quote, a space or another
 * backslash as it is; any other backslash stands for itself, as in paths of Windows.
 * @returns null when a quote is left open
 */
export function splitCommand(text: string): string[] | null {
  const words: string[] = []
  let word: string | null = null
  let quote: string | null = null
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!
    const next = text[at + 1]
    if (char === '\\' && quote !== "'" && next !== undefined && /["'\\ ]/.test(next)) {
      word = (word ?? '') + next
      at += 1
    } else if (quote !== null) {
      if (char === quote) quote = null
      else word = (word ?? '') + char
    } else if (char === '"' || char === "'") {
      quote = char
      word ??= ''
    } else if (/\s/.test(char)) {
      if (word !== null) words.push(word)
      word = null
    } else word = (word ?? '') + char
  }
  if (quote !== null) return null
  if (word !== null) words.push(word)
  return words
}
