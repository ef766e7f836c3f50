/** Answers are rarely as long as they may be: what is expected before a class of tasks is known. */
const TYPICAL_TOKENS = 128
const STEP = 0.1
const MAX_CLASSES = 256

/** How long answers are, as a moving average for each class of tasks. */
export class OutputLengths {
  readonly #tokens = new Map<string, number>()

  /** @returns whole tokens, at least 1 and at most `maxTokens` */
  expected(taskClass: string, maxTokens: number): number {
    return Math.max(1, Math.min(maxTokens, Math.round(this.#tokens.get(taskClass) ?? TYPICAL_TOKENS)))
  }

  observe(taskClass: string, tokens: number): void {
    const before = this.#tokens.get(taskClass) ?? TYPICAL_TOKENS
    this.#tokens.delete(taskClass)
    this.#tokens.set(taskClass, before + STEP * (tokens - before))
    if (this.#tokens.size > MAX_CLASSES) this.#tokens.delete(this.#tokens.keys().next().value!)
  }
}
