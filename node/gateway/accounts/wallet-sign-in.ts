import { ADDRESS_PATTERN, type Address } from '../../../protocol/ids.ts'
import type { ChainClient } from '../../chain/client.ts'
import { isSignedBy } from '../../chain/wallet-signature.ts'
import type { Clock } from '../../clock.ts'
import { GatewayError } from '../http/http-error.ts'
import type { NonceView } from './account-schemas.ts'
import { Nonces } from './nonces.ts'
import type { RandomBytes } from './secrets.ts'

/** Where the person's browser is, as its request says and the guard has checked. */
export interface Site {
  /** `https://shoal.example:4114` */
  origin: string
  /** `shoal.example:4114` */
  host: string
}

export interface WalletSignInModules {
  clock: Clock
  random: RandomBytes
  chainId: number
  /** Null while the chain has not answered. */
  client: () => ChainClient | null
}

const STATEMENT = 'Sign in to this Shoal node. This costs nothing and moves no money.'
/** A message may be so old, or so far ahead of our clock. */
const MAX_AGE_MS = 10 * 60_000
const MAX_AHEAD_MS = 60_000

/**
 * Sign-In with Ethereum (ERC-4361): a wallet signs a text that names this site, our chain and a nonce of ours, so that
 * it is good here, once, and nowhere else. Contracts that are wallets sign as ERC-1271 has it.
 */
export class WalletSignIn {
  readonly #modules: WalletSignInModules
  readonly #nonces: Nonces
  /** What people read in their wallet. */
  readonly statement = STATEMENT

  constructor(modules: WalletSignInModules) {
    this.#modules = modules
    this.#nonces = new Nonces(modules)
  }

  /** What a message must hold to be taken. */
  challenge(site: Site): NonceView {
    const { nonce, expiresAtMs } = this.#nonces.make()
    return {
      nonce,
      domain: site.host,
      uri: site.origin,
      chainId: this.#modules.chainId,
      statement: STATEMENT,
      expiresAt: new Date(expiresAtMs).toISOString(),
    }
  }

  /**
   * Finds out which wallet signs in; its nonce is then used.
   * @throws {GatewayError} UNAUTHENTICATED
   * @throws {ChainError} CHAIN_UNREACHABLE when a contract would have to be asked
   */
  async verify(signed: { message: string; signature: string }, site: Site): Promise<Address> {
    // Brings much with it that only those who sign in need.
    const { SiweMessage } = await import('siwe')
    let message: InstanceType<typeof SiweMessage>
    try {
      message = new SiweMessage(signed.message)
      // What is checked is what was signed, to the letter.
      if (message.prepareMessage() !== signed.message) throw new RangeError('not as it would be written')
    } catch (cause) {
      throw refused('the text is not as ERC-4361 has it', cause)
    }
    this.#check(message, site)
    const wallet = message.address.toLowerCase()
    if (!ADDRESS_PATTERN.test(wallet)) throw refused('the text names no wallet')
    const isRight = await isSignedBy(
      wallet,
      { text: signed.message, signature: signed.signature },
      { client: this.#modules.client() },
    )
    if (!isRight) throw refused('the wallet has not signed this')
    // Last, so that nobody without a signature uses up a nonce; the check and the use are one.
    if (!this.#nonces.use(message.nonce)) throw refused('the nonce was used already')
    return wallet
  }

  #check(
    message: {
      scheme?: string
      domain: string
      uri: string
      version: string
      chainId: number
      nonce: string
      issuedAt?: string
      expirationTime?: string
      notBefore?: string
    },
    site: Site,
  ): void {
    const nowMs = this.#modules.clock.nowMs()
    const { scheme, domain, uri, issuedAt, expirationTime, notBefore } = message
    if (message.version !== '1') throw refused('the version is not 1')
    if (domain !== site.host) throw refused('the text is for another site')
    if (scheme !== undefined && !site.origin.startsWith(`${scheme}://`))
      throw refused('the text is for another site')
    if (originOf(uri) !== site.origin) throw refused('the text is for another site')
    if (message.chainId !== this.#modules.chainId)
      throw refused(`the text is for another chain than ${this.#modules.chainId}`)
    if (!this.#nonces.isGood(message.nonce)) throw refused('the nonce is none of ours, or has expired')
    const issuedMs = Date.parse(issuedAt ?? '')
    const isFresh = issuedMs >= nowMs - MAX_AGE_MS && issuedMs <= nowMs + MAX_AHEAD_MS
    if (!isFresh) throw refused('the text was not written just now')
    if (expirationTime !== undefined && !(Date.parse(expirationTime) > nowMs))
      throw refused('the text has expired')
    if (notBefore !== undefined && !(Date.parse(notBefore) <= nowMs))
      throw refused('the text is not yet good')
  }
}

function originOf(uri: string): string | null {
  return URL.canParse(uri) ? new URL(uri).origin : null
}

function refused(why: string, cause?: unknown): GatewayError {
  return new GatewayError('UNAUTHENTICATED', `the sign-in is not taken: ${why}`, {
    fix: 'Ask /api/session/nonce for a nonce, and have the wallet sign a new text with it.',
    ...(cause === undefined ? {} : { cause }),
  })
}
