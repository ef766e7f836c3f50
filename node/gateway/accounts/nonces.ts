import { createHmac } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import { hexOf, type RandomBytes, sameSecret } from './secrets.ts'
import { UsedOnce } from './used-once.ts'

const LIFETIME_MS = 10 * 60_000
const MAX_USED = 100_000
/** Random bytes, when it ends (seconds), and proof that we made it; letters and digits only, as ERC-4361 has it. */
const NONCE_PATTERN = /^([0-9a-f]{32})([0-9a-f]{8})([0-9a-f]{32})$/

/**
 * Nonces for signing in, each good once and for ten minutes. None is kept before it is used, so that asking for many
 * costs no memory; those of a node that has started anew since are not taken.
 */
export class Nonces {
  readonly #clock: Clock
  readonly #random: RandomBytes
  readonly #key: Uint8Array
  readonly #used: UsedOnce

  constructor(modules: { clock: Clock; random: RandomBytes }) {
    this.#clock = modules.clock
    this.#random = modules.random
    this.#key = modules.random(32)
    this.#used = new UsedOnce({ max: MAX_USED }, modules)
  }

  make(): { nonce: string; expiresAtMs: number } {
    const expiresAtS = Math.floor((this.#clock.nowMs() + LIFETIME_MS) / 1_000)
    const body = hexOf(this.#random(16)) + expiresAtS.toString(16).padStart(8, '0')
    return { nonce: body + this.#proof(body), expiresAtMs: expiresAtS * 1_000 }
  }

  /** Whether it is one of ours that has not expired. */
  isGood(nonce: string): boolean {
    const [, random, expiry, proof] = NONCE_PATTERN.exec(nonce) ?? []
    if (random === undefined || expiry === undefined || proof === undefined) return false
    return sameSecret(proof, this.#proof(random + expiry)) && this.#expiresAtMs(nonce) > this.#clock.nowMs()
  }

  /** Whether a good nonce is used for the first time; from now on it is used. */
  use(nonce: string): boolean {
    return this.isGood(nonce) && this.#used.use(nonce, this.#expiresAtMs(nonce))
  }

  #expiresAtMs(nonce: string): number {
    return Number.parseInt(nonce.slice(32, 40), 16) * 1_000
  }

  #proof(body: string): string {
    return createHmac('sha256', this.#key).update(body).digest('hex').slice(0, 32)
  }
}
