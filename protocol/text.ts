/**
 * The same text in one piece. What is joined character by character, as hex and base32 are, is kept by engines as
 * a tree of its parts, thirty times as large, until somebody looks at it: dear where a hundred thousand are kept.
 */
export function inOnePiece(text: string): string {
  const codes = new Array<number>(text.length)
  for (let at = 0; at < text.length; at++) codes[at] = text.charCodeAt(at)
  return String.fromCharCode(...codes)
}
