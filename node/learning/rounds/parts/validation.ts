import type { RoundManifest } from '../../../../protocol/messages/learning/round-manifest.ts'
import type { RoundValidation } from '../seams.ts'
import { ANY_DOMAIN } from './any-domain.ts'

/** A text that its owner gives to everybody, with what it is about. */
export interface PublicText {
  path: string
  domain: string
}

/** Domains of proposals whose texts are remembered. */
const MAX_GIVEN = 64

/**
 * Public texts that the owner named: nothing of the local data is ever among them.
 */
export class PublicTexts implements RoundValidation {
  readonly #texts: readonly PublicText[]
  /** Given with a proposal; by the domain of its round. */
  readonly #given = new Map<string, readonly PublicText[]>()

  constructor(texts: readonly PublicText[]) {
    this.#texts = texts
  }

  /** Whether there is anything to measure with. */
  get isEmpty(): boolean {
    return this.#texts.length === 0
  }

  /** Gives texts to the rounds of a domain from now on, in place of those given before. */
  give(domain: string, texts: readonly PublicText[]): void {
    this.#given.delete(domain)
    if (texts.length > 0) this.#given.set(domain, texts)
    if (this.#given.size > MAX_GIVEN) this.#given.delete(this.#given.keys().next().value!)
  }

  /** Those of the round's domain first; for a round of all domains as they come. */
  async sets({ domain }: RoundManifest): Promise<PublicText[]> {
    const texts = [...(this.#given.get(domain) ?? []), ...this.#texts]
    return texts.toSorted((a, b) => Number(b.domain === domain) - Number(a.domain === domain))
  }
}

const WITH_DOMAIN = /^([a-z0-9][a-z0-9._-]{0,63})=(.+)$/

/**
 * Texts as settings name them: `path`, or `domain=path`.
 * @param domain of those that name none
 */
export function publicTextsFrom(named: readonly string[], domain: string = ANY_DOMAIN): PublicText[] {
  return named.map(text => {
    const [, ofDomain, path] = WITH_DOMAIN.exec(text) ?? []
    return path === undefined || ofDomain === undefined ? { path: text, domain } : { path, domain: ofDomain }
  })
}
