import type { RoundManifest } from '../../../../protocol/messages/learning/round-manifest.ts'
import type { RoundValidation } from '../seams.ts'
import { ANY_DOMAIN } from './any-domain.ts'

/** A text that its owner gives to everybody, with what it is about. */
export interface PublicText {
  path: string
  domain: string
}

/**
 * Public texts that the owner named: nothing of the local data is ever among them.
 */
export class PublicTexts implements RoundValidation {
  readonly #texts: readonly PublicText[]

  constructor(texts: readonly PublicText[]) {
    this.#texts = texts
  }

  /** Those of the round's domain first; for a round of all domains as they come. */
  async sets({ domain }: RoundManifest): Promise<PublicText[]> {
    return this.#texts.toSorted((a, b) => Number(b.domain === domain) - Number(a.domain === domain))
  }
}

const WITH_DOMAIN = /^([a-z0-9][a-z0-9._-]{0,63})=(.+)$/

/** Texts as settings name them: `path`, or `domain=path`. */
export function publicTextsFrom(named: readonly string[]): PublicText[] {
  return named.map(text => {
    const [, domain, path] = WITH_DOMAIN.exec(text) ?? []
    return path === undefined || domain === undefined ? { path: text, domain: ANY_DOMAIN } : { path, domain }
  })
}
