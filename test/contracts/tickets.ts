import { hexlify, randomBytes, toBeHex, type Wallet } from 'ethers'
import { ticketCommitment, ticketWins } from '../../protocol/tickets.ts'
import {
  SETTLEMENT_DOMAIN_NAME,
  SETTLEMENT_DOMAIN_VERSION,
  settlementDomainSeparator,
  TICKET_TYPES,
  type Ticket,
  ticketDigest,
} from '../../protocol/typed-data.ts'
import type { Shoal } from './test-chain.ts'

export interface SignedTicket {
  ticket: Ticket
  random: string
  signature: string
}

/** Wins unless the hash is the largest there is. */
export const CERTAIN = 2n ** 256n - 1n

/** What is signed where; `domain` is for tickets of another place. */
export async function signTicket(
  { chain, settlement }: Pick<Shoal, 'chain' | 'settlement'>,
  signer: Wallet,
  ticket: Ticket,
  random: string,
  domain: { name?: string; version?: string; chainId?: number; verifyingContract?: string } = {},
): Promise<SignedTicket> {
  const signature = await signer.signTypedData(
    {
      name: SETTLEMENT_DOMAIN_NAME,
      version: SETTLEMENT_DOMAIN_VERSION,
      chainId: chain.chainId,
      verifyingContract: settlement.address,
      ...domain,
    },
    TICKET_TYPES,
    ticket,
  )
  return { ticket, random, signature }
}

/** A ticket that is certain to win, with a random and a nonce of its own. */
export function newTicket(
  depositId: string,
  payee: string,
  faceValue: bigint,
  expiresAt: bigint,
): { ticket: Ticket; random: string } {
  const random = hexlify(randomBytes(32))
  const ticket = {
    depositId,
    payee,
    faceValue,
    winThreshold: CERTAIN,
    commitment: ticketCommitment(random),
    nonce: BigInt(hexlify(randomBytes(32))),
    expiresAt,
  }
  return { ticket, random }
}

/** The digest that names a ticket on a chain. */
export function digestOf({ chain, settlement }: Shoal, ticket: Ticket): string {
  const at = { chainId: chain.chainId, settlement: settlement.address }
  return ticketDigest(settlementDomainSeparator(at), ticket)
}

/** The same ticket with the first nonce that wins, or loses, at a threshold of one half. */
export function withOutcome(shoal: Shoal, ticket: Ticket, random: string, wins: boolean): Ticket {
  for (let nonce = 1n; ; nonce++) {
    const tried = { ...ticket, winThreshold: 2n ** 255n, nonce: BigInt(toBeHex(nonce, 32)) }
    if (ticketWins(digestOf(shoal, tried), random, tried.winThreshold) === wins) return tried
  }
}
