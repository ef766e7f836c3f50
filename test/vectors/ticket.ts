import { hexlify, keccak256, TypedDataEncoder, toBeHex, toUtf8Bytes, Wallet } from 'ethers'
import { ticketCommitment, ticketValueRoundedDown, ticketWins } from '../../protocol/tickets.ts'
import {
  SETTLEMENT_DOMAIN_NAME,
  SETTLEMENT_DOMAIN_VERSION,
  TICKET_TYPES,
  ticketDepositIdOf,
} from '../../protocol/typed-data.ts'
import { PAYEE, PAYER, SETTLEMENT } from './voucher.ts'

/** A ticket with everything that is needed to compute its digest and signature, and to play the lottery. */
export interface TicketVector {
  name: string
  domain: { name: string; version: string; chainId: number; verifyingContract: string }
  payer: string
  random: string
  /** Numbers as decimal strings. */
  ticket: {
    depositId: string
    payee: string
    faceValue: string
    winThreshold: string
    commitment: string
    nonce: string
    expiresAt: string
  }
  digest: string
  wins: boolean
  /** faceValue · winThreshold / 2^256, rounded down. */
  value: string
  signerKey: string
  signer: string
  signature: string
}

interface Case {
  chainId: number
  key: bigint
  faceValue: bigint
  winThreshold: bigint
  nonce: bigint
  expiresAt: bigint
}

const settlement = SETTLEMENT.toLowerCase()
const payer = PAYER.toLowerCase()
const payee = PAYEE.toLowerCase()
const LARGEST = 2n ** 256n - 1n
const PERCENT = 2n ** 256n / 100n
const CREDIT = 10n ** 18n

/**
 * What `test/vectors/ticket.json` holds: digests by ethers' `TypedDataEncoder`, signatures with RFC 6979 nonces, so that
 * other implementations can produce the same bytes.
 */
export function ticketVectors(): TicketVector[] {
  const local = { chainId: 31337, key: 1n, expiresAt: 1_900_000_000n }
  return [
    vector('certain to win', { ...local, faceValue: CREDIT, winThreshold: LARGEST, nonce: 1n }),
    vector('certain to lose', { ...local, faceValue: CREDIT, winThreshold: 0n, nonce: 2n }),
    untilIt('wins', 'one in a hundred, winning, on Ethereum', {
      ...{ chainId: 1, key: 2n, expiresAt: 1_800_003_600n },
      ...{ faceValue: 12_345_678_901_234_567_890n, winThreshold: PERCENT },
    }),
    untilIt('loses', 'one in a hundred, losing, on Base', {
      ...{ chainId: 8453, key: 0xabcdefn, expiresAt: 1_800_003_600n },
      ...{ faceValue: 10n * CREDIT, winThreshold: PERCENT },
    }),
    vector('the largest of all numbers', {
      ...{ chainId: 31337, key: 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140n },
      ...{ faceValue: LARGEST, winThreshold: LARGEST, nonce: LARGEST, expiresAt: LARGEST },
    }),
  ]
}

/** Tries nonces, all different in all bits, until one has the wanted outcome. */
function untilIt(outcome: 'wins' | 'loses', name: string, values: Omit<Case, 'nonce'>): TicketVector {
  for (let counter = 0; ; counter++) {
    const nonce = BigInt(keccak256(toUtf8Bytes(`${name} ${counter}`)))
    const made = vector(name, { ...values, nonce })
    if (made.wins === (outcome === 'wins')) return made
  }
}

function vector(
  name: string,
  { chainId, key, faceValue, winThreshold, nonce, expiresAt }: Case,
): TicketVector {
  const wallet = new Wallet(toBeHex(key, 32))
  const signer = wallet.address.toLowerCase()
  const random = keccak256(toUtf8Bytes(name))
  const ticket = {
    depositId: ticketDepositIdOf({ chainId, settlement }, payer, signer),
    payee,
    faceValue: faceValue.toString(),
    winThreshold: winThreshold.toString(),
    commitment: ticketCommitment(random),
    nonce: nonce.toString(),
    expiresAt: expiresAt.toString(),
  }
  const domain = {
    name: SETTLEMENT_DOMAIN_NAME,
    version: SETTLEMENT_DOMAIN_VERSION,
    chainId,
    verifyingContract: settlement,
  }
  const digest = TypedDataEncoder.hash(domain, TICKET_TYPES, ticket)
  return {
    name,
    domain,
    payer,
    random,
    ticket,
    digest,
    wins: ticketWins(digest, random, winThreshold),
    value: ticketValueRoundedDown({ faceValue, winThreshold }).toString(),
    signerKey: hexlify(wallet.privateKey),
    signer,
    signature: wallet.signingKey.sign(digest).serialized,
  }
}
