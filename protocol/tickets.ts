import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import type { Bytes32 } from './ids.ts'

/** A number that is exact: `numerator / denominator`. */
export interface Fraction {
  numerator: bigint
  denominator: bigint
}

/** Number of values a lottery draw can have. */
const DRAWS = 2n ** 256n
/** Wei in one coin of the chain. */
const COIN = 10n ** 18n

/**
 * What a payee tells of its random before it sees the ticket: keccak256(abi.encode(random)).
 * A random serves one ticket after another only as long as nobody else has seen it: redeeming a winner shows it, and
 * from then on the payer could choose nonces that lose.
 * @param random 256 random bits that only the payee knows
 */
export function ticketCommitment(random: Bytes32): Bytes32 {
  return `0x${bytesToHex(keccak_256(hexToBytes(random.slice(2))))}`
}

/**
 * Whether a ticket wins: keccak256(abi.encode(digest, random)) < winThreshold. As `Settlement` decides it; says nothing
 * about signature, commitment, expiry and cover.
 * @param digest the ticket's `ticketDigest`
 * @param random what its commitment is the hash of
 */
export function ticketWins(digest: Bytes32, random: Bytes32, winThreshold: bigint): boolean {
  return BigInt(`0x${bytesToHex(keccak_256(hexToBytes(digest.slice(2) + random.slice(2))))}`) < winThreshold
}

/**
 * The threshold of a probability: floor(probability · 2^256). Certainty is as near to it as a ticket comes, 1 - 2^-256.
 * @throws {RangeError} unless the probability is above 0 and at most 1
 */
export function winThresholdRoundedDown({ numerator, denominator }: Fraction): bigint {
  if (numerator <= 0n || numerator > denominator)
    throw new RangeError('a probability is above 0 and at most 1')
  return numerator === denominator ? DRAWS - 1n : (numerator * DRAWS) / denominator
}

/**
 * The threshold at which tickets of a face value are worth `amount` each, on average and at least: ceil(amount / face
 * value · 2^256).
 * @param amount base units; more than 0
 * @param faceValue base units
 * @throws {RangeError} when the amount is 0 or above the face value: then several tickets are needed
 */
export function winThresholdForRoundedUp(amount: bigint, faceValue: bigint): bigint {
  if (amount <= 0n || amount > faceValue)
    throw new RangeError('a ticket is worth more than 0, up to its face value')
  const threshold = (amount * DRAWS + faceValue - 1n) / faceValue
  return threshold === DRAWS ? DRAWS - 1n : threshold
}

/** What a ticket is worth on average: faceValue · winThreshold / 2^256, in base units, rounded down. */
export function ticketValueRoundedDown(ticket: { faceValue: bigint; winThreshold: bigint }): bigint {
  return (ticket.faceValue * ticket.winThreshold) / DRAWS
}

/**
 * What gas costs in credits.
 * @param gas units of gas
 * @param weiPerGas price of one
 * @param creditsPerCoin base units of credits that one coin of the chain (10^18 wei) is worth
 * @returns base units, rounded up
 * @throws {RangeError} on negative numbers
 */
export function gasCostRoundedUp(gas: bigint, weiPerGas: bigint, creditsPerCoin: bigint): bigint {
  if (gas < 0n || weiPerGas < 0n || creditsPerCoin < 0n)
    throw new RangeError('gas and prices are not negative')
  return (gas * weiPerGas * creditsPerCoin + COIN - 1n) / COIN
}

/**
 * The smallest face value at which costs eat no more than `maxOverhead` of what is paid: ceil(costPerWin / maxOverhead).
 * Tickets of a larger one are cheaper, but pay more seldom.
 * @param costPerWin what each winner costs on chain, in base units: its redemption, and its part of withdrawals and funding
 * @throws {RangeError} unless the cost is not negative and the overhead above 0 and at most 1
 */
export function defaultFaceValueRoundedUp(costPerWin: bigint, maxOverhead: Fraction): bigint {
  const { numerator, denominator } = maxOverhead
  if (costPerWin < 0n) throw new RangeError('a cost is not negative')
  if (numerator <= 0n || numerator > denominator) throw new RangeError('an overhead is above 0 and at most 1')
  return (costPerWin * denominator + numerator - 1n) / numerator
}
