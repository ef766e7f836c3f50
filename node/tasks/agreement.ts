/** Output that so many operators have made alike; what it says is never taken back. */
export interface Agreed {
  readonly text: string
  /** Those of `text`, and possibly some that hold no certain text yet. */
  readonly tokens: readonly number[]
}

type Ended = 'stop' | 'stop_string' | 'length'

/** One operator's output. */
interface Transcript<Id> {
  id: Id
  text: string
  tokens: number[]
  /** After which count of tokens how much text was certain, both rising. */
  checkpoints: { tokens: number; chars: number }[]
  ended: Ended | null
}

/** What has come to be agreed on. */
export interface AgreementStep<Id> {
  /** New since the last step. */
  text: string
  tokens: number[]
  /** Who has made all that is agreed. */
  agreed: Id[]
  /** Whose output contradicts what is agreed. */
  dissenting: Id[]
}

export interface Verdict<Id> {
  agreed: Id[]
  reason: Ended
}

/**
 * Compares outputs of the same task, made with the same model, sampling and seed by distinct operators, as
 * they come. Text counts as agreed once a quorum has made it, token by token; a whole answer once a quorum has
 * ended with the same text. With a quorum of more than half of all operators asked, no two answers can both be
 * agreed on; whoever joins later begins with what is agreed.
 */
export class Agreement<Id> {
  readonly #quorum: number
  readonly #transcripts = new Map<Id, Transcript<Id>>()
  #agreed: { text: string; tokens: number[] } = { text: '', tokens: [] }

  constructor(quorum: number) {
    this.#quorum = quorum
  }

  get agreed(): Agreed {
    return this.#agreed
  }

  /** An operator begins where agreement stands. */
  join(id: Id): void {
    const { text, tokens } = this.#agreed
    const checkpoints = [{ tokens: tokens.length, chars: text.length }]
    this.#transcripts.set(id, { id, text, tokens: [...tokens], checkpoints, ended: null })
  }

  /** An operator has failed, or was let go: what it made counts no more. */
  leave(id: Id): void {
    this.#transcripts.delete(id)
  }

  /** What an operator has made, from the answer's start; null for who has left. */
  transcript(id: Id): { text: string; tokens: readonly number[]; ended: Ended | null } | null {
    return this.#transcripts.get(id) ?? null
  }

  /** Of those that differ one is chosen by other means, though less than a quorum made its answer. It goes on from what is agreed. */
  settle(id: Id): Pick<AgreementStep<Id>, 'text' | 'tokens'> {
    const before = this.#agreed
    const { text, tokens } = this.#transcripts.get(id)!
    this.#agreed = { text, tokens: [...tokens] }
    return { text: text.slice(before.text.length), tokens: tokens.slice(before.tokens.length) }
  }

  output(id: Id, tokens: readonly number[], text: string): void {
    const transcript = this.#transcripts.get(id)
    if (transcript === undefined || transcript.ended !== null) return
    transcript.tokens.push(...tokens)
    transcript.text += text
    transcript.checkpoints.push({ tokens: transcript.tokens.length, chars: transcript.text.length })
  }

  end(id: Id, reason: Ended): void {
    const transcript = this.#transcripts.get(id)
    if (transcript !== undefined) transcript.ended = reason
  }

  /** What is newly agreed on since the last call, and by whom it is contradicted. */
  step(): AgreementStep<Id> {
    const before = this.#agreed
    const after = this.#verdictText() ?? this.#prefix()
    if (after.text.length < before.text.length) return { text: '', tokens: [], ...this.#sides() }
    const tokens = after.tokens.length > before.tokens.length ? after.tokens : before.tokens
    this.#agreed = { text: after.text, tokens }
    for (const transcript of this.#transcripts.values()) forget(transcript, after.text.length)
    return {
      text: after.text.slice(before.text.length),
      tokens: tokens.slice(before.tokens.length),
      ...this.#sides(),
    }
  }

  /** Who has ended alike, once they are a quorum; null before. */
  verdict(): Verdict<Id> | null {
    for (const transcript of this.#transcripts.values()) {
      if (transcript.ended === null) continue
      const alike = this.#endedLike(transcript)
      if (alike.length >= this.#quorum) return { agreed: alike.map(({ id }) => id), reason: transcript.ended }
    }
    return null
  }

  /** How many more operators are needed for an answer that could still be agreed on. */
  missing(): number {
    const all = [...this.#transcripts.values()]
    const support = all.map(
      longest =>
        all.filter(other => longest.text.startsWith(other.text) && !contradicts(other, longest)).length,
    )
    return Math.max(0, this.#quorum - Math.max(0, ...support))
  }

  #endedLike({ text }: Transcript<Id>): Transcript<Id>[] {
    return [...this.#transcripts.values()].filter(other => other.ended !== null && other.text === text)
  }

  #verdictText(): { text: string; tokens: number[] } | null {
    const verdict = this.verdict()
    if (verdict === null) return null
    const { text, tokens } = this.#transcripts.get(verdict.agreed[0]!)!
    return { text, tokens: [...tokens] }
  }

  /** The longest beginning that a quorum has in common. */
  #prefix(): { text: string; tokens: number[] } {
    const all = [...this.#transcripts.values()]
    let best = this.#agreed
    for (const transcript of all) {
      const shared = all.map(other => ({ other, chars: this.#commonChars(transcript, other) }))
      const chars = nthGreatest(
        shared.map(({ chars }) => chars),
        this.#quorum,
      )
      if (chars <= best.text.length) continue
      const supporters = shared.flatMap(({ other, chars: own }) => (own >= chars ? [other] : []))
      const tokens = nthGreatest(
        supporters.map(other => commonTokens(transcript, other, this.#agreed.tokens.length)),
        this.#quorum,
      )
      // Text is agreed on as far as the tokens that made it are.
      const certain = Math.max(...supporters.map(other => certainChars(other, tokens)))
      const length = wholeCharacters(transcript.text, Math.min(chars, certain))
      if (length > best.text.length)
        best = { text: transcript.text.slice(0, length), tokens: transcript.tokens.slice(0, tokens) }
    }
    return best
  }

  #commonChars(a: Transcript<Id>, b: Transcript<Id>): number {
    // What is agreed on need not be compared again, unless somebody has never agreed to it.
    const known = this.#agreed.text.length
    const limit = Math.min(a.text.length, b.text.length)
    let chars =
      limit >= known && a.text.startsWith(this.#agreed.text) && b.text.startsWith(this.#agreed.text)
        ? known
        : 0
    while (chars < limit && a.text.charCodeAt(chars) === b.text.charCodeAt(chars)) chars++
    return chars
  }

  #sides(): { agreed: Id[]; dissenting: Id[] } {
    const { text } = this.#agreed
    const isWhole = this.verdict() !== null
    const sides = { agreed: [] as Id[], dissenting: [] as Id[] }
    for (const transcript of this.#transcripts.values()) {
      const isBehind = transcript.ended === null && text.startsWith(transcript.text)
      if (transcript.text === text || (!isWhole && transcript.text.startsWith(text)))
        sides.agreed.push(transcript.id)
      else if (!isBehind) sides.dissenting.push(transcript.id)
    }
    return sides
  }
}

/** Whether one has ended before the other's text does. */
function contradicts(shorter: Transcript<unknown>, longer: Transcript<unknown>): boolean {
  return shorter.ended !== null && shorter.text.length < longer.text.length
}

function commonTokens(a: Transcript<unknown>, b: Transcript<unknown>, from: number): number {
  const limit = Math.min(a.tokens.length, b.tokens.length)
  let count = Math.min(from, limit)
  while (count < limit && a.tokens[count] === b.tokens[count]) count++
  return count
}

/** How much of a text was certain after so many tokens. */
function certainChars({ checkpoints }: Transcript<unknown>, tokens: number): number {
  return checkpoints.findLast(checkpoint => checkpoint.tokens <= tokens)?.chars ?? 0
}

/** Checkpoints before what is agreed on are needed no more, but for the last. */
function forget(transcript: Transcript<unknown>, chars: number): void {
  const { checkpoints } = transcript
  const keep = checkpoints.findLastIndex(checkpoint => checkpoint.chars <= chars)
  if (keep > 0) checkpoints.splice(0, keep)
}

/** Not half of a surrogate pair. */
function wholeCharacters(text: string, chars: number): number {
  const last = text.charCodeAt(chars - 1)
  return chars > 0 && chars < text.length && last >= 0xd800 && last <= 0xdbff ? chars - 1 : chars
}

function nthGreatest(values: readonly number[], n: number): number {
  return [...values].sort((a, b) => b - a)[n - 1] ?? 0
}
