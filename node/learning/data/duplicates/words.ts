/** Ideographs, kana and the like are written without spaces: each is a word of its own. */
const WORD = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|[\p{L}\p{N}]+/gu

/** Words as they are compared: compatibility forms, case, punctuation and space make no difference (UAX #15, NFKC). */
export function wordsOf(text: string): string[] {
  return text.normalize('NFKC').toLowerCase().match(WORD) ?? []
}
