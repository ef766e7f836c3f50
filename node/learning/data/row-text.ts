import type { TrainingRow } from './data-set.ts'

/** What a row says, without who says it and without what a system prompt repeats in each. */
export function textOf(row: TrainingRow): string {
  if ('text' in row) return row.text
  if ('prompt' in row) return `${row.prompt}\n${row.completion}`
  return row.messages
    .filter(({ role }) => role !== 'system')
    .map(({ content }) => content)
    .join('\n')
}

/** Four letters make a token, as does one ideograph, roughly. */
export function estimatedTokens(text: string): number {
  const ideographs =
    text.match(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu)?.length ?? 0
  return Math.ceil((text.length - ideographs) / 4 + ideographs)
}
