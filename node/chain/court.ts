import type { Address, Bytes32 } from '../../protocol/ids.ts'
import type { ChainClient } from './client.ts'

/** As in ICourt and IJury, in their order. */
export const DISPUTE_STATES = ['none', 'response', 'draw', 'vote', 'appealable', 'closed'] as const
export type DisputeState = (typeof DISPUTE_STATES)[number]
export const DISPUTE_OUTCOMES = ['none', 'guilty', 'innocent', 'no_verdict', 'cured', 'void'] as const
export type DisputeOutcome = (typeof DISPUTE_OUTCOMES)[number]
export const DISPUTE_FAULTS = [
  'equivocation',
  'over_issued_voucher',
  'over_issued_tickets',
  'unpaid',
  'wrong_output',
] as const
export type DisputeFault = (typeof DISPUTE_FAULTS)[number]
/** `none` for whoever has not revealed. */
export const JURY_VOTES = ['none', 'guilty', 'innocent', 'abstain'] as const
export type JuryVote = (typeof JURY_VOTES)[number]

/** A dispute as the court has it. Amounts in base units. */
export interface OnChainDispute {
  disputeId: number
  respondent: Address
  challenger: Address
  payer: Address
  fault: DisputeFault
  state: DisputeState
  /** How it ended; while it is appealable or appealed, what the first jury found. */
  outcome: DisputeOutcome
  round: 0 | 1
  openedAtMs: number
  bond: bigint
  appealBond: bigint
  penalty: bigint
  /** When its state ends; null once it is closed. */
  deadlineMs: number | null
  /** Of the parameters it is tried under. */
  version: number
  subject: Bytes32
}

export interface JurySeat {
  juror: Address
  vote: JuryVote
  /** Null while it has not committed. */
  commitment: Bytes32 | null
}

/** A jury with its seats. */
export interface OnChainJury {
  size: number
  drawBlock: number
  tries: number
  /** How often the block that draws was missed. */
  rearms: number
  commitments: number
  guilty: number
  innocent: number
  abstained: number
  /** Null until the jury is complete. */
  commitUntilMs: number | null
  revealUntilMs: number | null
  seats: JurySeat[]
}

/** What of the court's parameters its users need. Amounts in base units. */
export interface CourtTerms {
  version: number
  bond: bigint
  jurorBond: bigint
  jurorFee: bigint
  jurySize: number
  challengeWindowMs: number
}

/** What an appeal costs, in bonds of a challenge: `APPEAL_BOND_MULTIPLE` of the court. */
export const APPEAL_BOND_MULTIPLE = 3n

interface RawDispute {
  respondent: string
  challenger: string
  payer: string
  fault: bigint
  state: bigint
  outcome: bigint
  round: bigint
  openedAt: bigint
  bond: bigint
  appealBond: bigint
  penalty: bigint
  deadline: bigint
  version: bigint
  subject: string
}
interface RawPanel {
  drawBlock: bigint
  tries: bigint
  rearms: bigint
  size: bigint
  commitments: bigint
  guilty: bigint
  innocent: bigint
  abstained: bigint
  commitUntil: bigint
  revealUntil: bigint
}

/** Reads the court and its jury. Writing is the publisher's. Its methods throw {ChainError} CHAIN_UNREACHABLE. */
export class CourtReader {
  readonly #client: ChainClient

  constructor(modules: { client: ChainClient }) {
    this.#client = modules.client
  }

  /** A dispute; null when there is none. */
  async dispute(disputeId: number): Promise<OnChainDispute | null> {
    const [value] = await this.#client.read('court', 'disputeOf', [disputeId])
    const raw = value as RawDispute
    const state = DISPUTE_STATES[Number(raw.state)]!
    if (state === 'none') return null
    return {
      disputeId,
      respondent: raw.respondent.toLowerCase(),
      challenger: raw.challenger.toLowerCase(),
      payer: raw.payer.toLowerCase(),
      fault: DISPUTE_FAULTS[Number(raw.fault)]!,
      state,
      outcome: DISPUTE_OUTCOMES[Number(raw.outcome)]!,
      round: raw.round === 0n ? 0 : 1,
      openedAtMs: Number(raw.openedAt) * 1_000,
      bond: raw.bond,
      appealBond: raw.appealBond,
      penalty: raw.penalty,
      deadlineMs: raw.deadline === 0n ? null : Number(raw.deadline) * 1_000,
      version: Number(raw.version),
      subject: raw.subject.toLowerCase(),
    }
  }

  /** A round's jury; null before it was summoned. */
  async jury(disputeId: number, round: number): Promise<OnChainJury | null> {
    const [[panelValue], [seatValues]] = await Promise.all([
      this.#client.read('jury', 'panelOf', [disputeId, round]),
      this.#client.read('jury', 'seatsOf', [disputeId, round]),
    ])
    const panel = panelValue as RawPanel
    if (panel.size === 0n) return null
    const seats = seatValues as readonly { juror: string; vote: bigint; commitment: string }[]
    return {
      size: Number(panel.size),
      drawBlock: Number(panel.drawBlock),
      tries: Number(panel.tries),
      rearms: Number(panel.rearms),
      commitments: Number(panel.commitments),
      guilty: Number(panel.guilty),
      innocent: Number(panel.innocent),
      abstained: Number(panel.abstained),
      commitUntilMs: panel.commitUntil === 0n ? null : Number(panel.commitUntil) * 1_000,
      revealUntilMs: panel.revealUntil === 0n ? null : Number(panel.revealUntil) * 1_000,
      seats: seats.map(({ juror, vote, commitment }) => ({
        juror: juror.toLowerCase(),
        vote: JURY_VOTES[Number(vote)]!,
        commitment: /^0x0+$/.test(commitment) ? null : commitment.toLowerCase(),
      })),
    }
  }

  /** When a complete jury's votes can be counted, ms since the Unix epoch. */
  async countableFromMs(disputeId: number, round: number): Promise<number> {
    const [from] = await this.#client.read('jury', 'countableFrom', [disputeId, round])
    return Number(from) * 1_000
  }

  /** Terms of new disputes. */
  async terms(): Promise<CourtTerms> {
    const [version] = await this.#client.read('courtParameters', 'parametersVersion', [])
    const [value] = await this.#client.read('courtParameters', 'parametersAt', [version])
    const raw = value as Record<'bond' | 'jurorBond' | 'jurorFee' | 'jurySize' | 'challengeWindow', bigint>
    return {
      version: Number(version),
      bond: raw.bond,
      jurorBond: raw.jurorBond,
      jurorFee: raw.jurorFee,
      jurySize: Number(raw.jurySize),
      challengeWindowMs: Number(raw.challengeWindow) * 1_000,
    }
  }

  /** Base units an account can withdraw. */
  async owedTo(account: Address): Promise<bigint> {
    return (await this.#client.read('court', 'owedTo', [account]))[0] as bigint
  }

  async address(): Promise<Address> {
    return await this.#client.addressOf('court')
  }

  /** Credits in a wallet, base units. */
  async balanceOf(wallet: Address): Promise<bigint> {
    return (await this.#client.read('creditToken', 'balanceOf', [wallet]))[0] as bigint
  }

  /** What a wallet can lose, base units: its stake, unbonding included. */
  async stakeOf(wallet: Address): Promise<bigint> {
    const [[staked], [unbonding]] = await Promise.all([
      this.#client.read('staking', 'stakeOf', [wallet]),
      this.#client.read('staking', 'unbondingOf', [wallet]),
    ])
    return (staked as bigint) + (unbonding as bigint)
  }

  /** What the wallet lets the court pull, base units. */
  async allowance(wallet: Address): Promise<bigint> {
    const { court } = this.#client.addresses
    return (await this.#client.read('creditToken', 'allowance', [wallet, court]))[0] as bigint
  }

  /** Number of the dispute that a transaction opened about a receipt; null when it opened none. */
  async openedBy(transaction: Bytes32, claim: Bytes32): Promise<number | null> {
    const opened = await this.#client.eventOf(
      'court',
      transaction,
      ({ name, args }) => name === 'DisputeOpened' && (args.subject as string).toLowerCase() === claim,
    )
    return opened === null ? null : Number(opened.args.disputeId)
  }

  /** The latest block's number and time; blocks come when something happens, on some chains only then. */
  async head(): Promise<{ number: number; timeMs: number }> {
    const block = (await this.#client.request('eth_getBlockByNumber', ['latest', false])) as {
      number: string
      timestamp: string
    }
    return { number: Number(block.number), timeMs: Number(block.timestamp) * 1_000 }
  }
}

/** A number as an indexed topic. */
export function topicOf(value: number): string {
  return `0x${value.toString(16).padStart(64, '0')}`
}
