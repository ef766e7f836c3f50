import { hash } from 'node:crypto'
import type { ModelId } from '../../../protocol/ids.ts'
import type { TaskInput } from '../../../protocol/messages/task-request.ts'
import type { ProviderId } from './candidate.ts'

/** Beginnings of a prompt that are looked for at most. */
const MAX_PREFIXES = 8
/** A completion's prompt is cut at this many characters, and at twice that, four times … */
const FIRST_CUT_CHARS = 1_024
const DIGEST_CHARS = 22
const MAX_REMEMBERED = 20_000
/** Who is warm on the same beginning. */
const MAX_HOLDERS = 4
/** What was warm is still half the time after so long. */
const HALF_LIFE_MS = 5 * 60_000
/** Less is not worth looking for. */
const LEAST_SHARE = 0.02

/** A listing that likely has a part of the prompt in its cache. */
export interface WarmListing {
  provider: ProviderId
  model: ModelId
  /** Share of the prompt, times the chance that it is still there. */
  share: number
}

interface Holder {
  provider: ProviderId
  model: ModelId
  atMs: number
}

/**
 * Digests of a prompt's beginnings, the whole one first, each as `digest.characters`. A chat is cut after each
 * message, so that the next turn of a conversation begins with what the turn before was, and conversations share
 * their system prompt; a completion at growing lengths. They stay on this node: short prompts could be guessed
 * from them.
 */
export function prefixesOf(input: TaskInput): string[] {
  const prefixes: string[] = []
  let chars = 0
  let digest = ''
  for (const part of partsOf(input)) {
    chars += part.length
    digest = hash('sha256', digest + part, 'base64url')
    prefixes.push(`${digest.slice(0, DIGEST_CHARS)}.${chars}`)
  }
  if (prefixes.length === 0) return []
  const longestFirst = prefixes.reverse()
  // The first part is the one most conversations share.
  return longestFirst.length <= MAX_PREFIXES
    ? longestFirst
    : [...longestFirst.slice(0, MAX_PREFIXES - 1), longestFirst.at(-1)!]
}

function partsOf(input: TaskInput): string[] {
  if (input.kind === 'chat')
    // Lengths keep the end of one message and the beginning of the next apart.
    return input.messages.map(({ role, content }) => `${role}:${content.length}:${content}`)
  // Texts to embed are read anew each time.
  if (input.kind === 'embedding') return []
  const { prompt } = input
  const parts: string[] = []
  let from = 0
  for (let cut = FIRST_CUT_CHARS; cut < prompt.length && parts.length < MAX_PREFIXES - 1; cut *= 2) {
    parts.push(prompt.slice(from, cut))
    from = cut
  }
  return [...parts, prompt.slice(from)]
}

/** Remembers who has read which beginning of a prompt lately. */
export class PrefixAffinity {
  readonly #holders = new Map<string, Holder[]>()

  /** Listings that are likely warm, each once, with its largest share. */
  warm(prefixes: readonly string[], nowMs: number): WarmListing[] {
    const found = new Map<string, WarmListing>()
    for (const prefix of prefixes) {
      const holders = this.#holders.get(prefix)
      if (holders === undefined) continue
      const part = charsOf(prefix) / charsOf(prefixes[0])
      for (const { provider, model, atMs } of holders) {
        const share = part * 2 ** (-Math.max(0, nowMs - atMs) / HALF_LIFE_MS)
        const key = `${provider}|${model}`
        if (share >= LEAST_SHARE && share > (found.get(key)?.share ?? 0))
          found.set(key, { provider, model, share })
      }
    }
    return [...found.values()]
  }

  /** A provider has read a prompt with these beginnings. */
  observe(prefixes: readonly string[], provider: ProviderId, model: ModelId, nowMs: number): void {
    for (const prefix of prefixes) {
      const others = (this.#holders.get(prefix) ?? []).filter(
        holder => holder.provider !== provider || holder.model !== model,
      )
      this.#holders.delete(prefix)
      this.#holders.set(prefix, [{ provider, model, atMs: nowMs }, ...others].slice(0, MAX_HOLDERS))
      if (this.#holders.size > MAX_REMEMBERED) this.#holders.delete(this.#holders.keys().next().value!)
    }
  }
}

function charsOf(prefix: string | undefined): number {
  return Math.max(1, Number(prefix?.slice(DIGEST_CHARS + 1) ?? 0))
}
