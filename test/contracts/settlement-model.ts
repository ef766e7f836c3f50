import { CLOSE_DELAY, DAY } from './test-chain.ts'

const PAUSE = 14 * DAY

/** A channel as the rules say it should be. */
interface ModelChannel {
  payer: string
  payee: string
  deposit: bigint
  claimed: bigint
  expiresAt: number
  closesAt: number
  closed: boolean
}

/** A voucher as the model sees it: a claim, and whether it was truly signed by the channel's signer. */
export interface ModelVoucher {
  channel: string
  amount: bigint
  genuine: boolean
}

/** Thrown by the model where the contract has to revert with this error. */
export class Refused extends Error {}

/**
 * Settlement's rules, written a second time and as plainly as they go: no packing, no events, no signatures.
 * Accounts are addresses, channels are the ids the contract gives them.
 */
export class SettlementModel {
  readonly tokens = new Map<string, bigint>()
  readonly balances = new Map<string, bigint>()
  readonly channels = new Map<string, ModelChannel>()
  /** Largest amount signed for a channel, which need not be open yet. */
  readonly signed = new Map<string, bigint>()
  held = 0n
  #pausedUntil = 0
  #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  deposit(from: string, account: string, amount: bigint): void {
    if (amount === 0n) throw new Refused('ZeroAmount')
    this.#pull(from, amount)
    add(this.balances, account, amount)
  }

  withdraw(from: string, to: string, amount: bigint): void {
    if (amount === 0n) throw new Refused('ZeroAmount')
    this.#debit(from, amount)
    this.held -= amount
    add(this.tokens, to, amount)
  }

  open(
    id: string,
    payer: string,
    payee: string,
    terms: { amount: bigint; expiresAt: number; now: number; pull: boolean },
  ): void {
    if (terms.amount === 0n) throw new Refused('ZeroAmount')
    if (terms.expiresAt < terms.now + CLOSE_DELAY) throw new Refused('ExpiryTooEarly')
    if (this.channels.has(id)) throw new Refused('ChannelExists')
    this.#take(payer, terms.amount, terms.pull)
    this.channels.set(id, {
      payer,
      payee,
      deposit: terms.amount,
      claimed: 0n,
      expiresAt: terms.expiresAt,
      closesAt: 0,
      closed: false,
    })
  }

  topUp(id: string, from: string, amount: bigint, pull: boolean): void {
    if (amount === 0n) throw new Refused('ZeroAmount')
    const channel = this.#live(id)
    if (channel.payer !== from) throw new Refused('OnlyPayer')
    if (channel.closesAt !== 0) throw new Refused('ChannelAlreadyClosing')
    this.#take(from, amount, pull)
    channel.deposit += amount
  }

  sign(id: string, amount: bigint): void {
    if (amount > (this.signed.get(id) ?? 0n)) this.signed.set(id, amount)
  }

  /** @returns the outcomes, as the contract numbers them, and the total */
  settle(vouchers: readonly ModelVoucher[]): { outcomes: bigint[]; total: bigint } {
    let total = 0n
    const outcomes = vouchers.map(({ channel: id, amount, genuine }) => {
      const channel = this.channels.get(id)
      if (channel === undefined) return 1n
      if (channel.closed) return 2n
      const over = amount > channel.deposit
      const claimable = over ? channel.deposit : amount
      if (claimable <= channel.claimed) return 3n
      if (!genuine) return 4n
      total += claimable - channel.claimed
      add(this.balances, channel.payee, claimable - channel.claimed)
      channel.claimed = claimable
      return 0n
    })
    return { outcomes, total }
  }

  startClose(id: string, from: string, now: number): void {
    const channel = this.#live(id)
    if (channel.payer !== from) throw new Refused('OnlyPayer')
    if (channel.closesAt !== 0) throw new Refused('ChannelAlreadyClosing')
    channel.closesAt = now + CLOSE_DELAY
  }

  finishClose(id: string, from: string, now: number): void {
    const channel = this.#live(id)
    if (channel.payer !== from) throw new Refused('OnlyPayer')
    const announced = channel.closesAt !== 0 && now >= channel.closesAt
    if (!announced && now < channel.expiresAt) throw new Refused('CloseTooEarly')
    this.#close(channel)
  }

  closeByPayee(id: string, from: string): void {
    const channel = this.#live(id)
    if (channel.payee !== from) throw new Refused('OnlyPayee')
    this.#close(channel)
  }

  /** By the payer, or by anybody with a voucher for the amount; both signatures are there or not. */
  closeCooperatively(
    id: string,
    from: string,
    offer: { amount: bigint; deadline: number; byPayee: boolean; bySigner: boolean },
  ): void {
    if (this.#now() > offer.deadline) throw new Refused('CloseOfferExpired')
    const channel = this.#live(id)
    if (offer.amount < channel.claimed || offer.amount > channel.deposit) {
      throw new Refused('FinalAmountOutOfRange')
    }
    if (!offer.byPayee) throw new Refused('NotSignedByPayee')
    if (channel.payer !== from && !offer.bySigner) throw new Refused('NotSignedBySigner')
    // A payer that calls has agreed as if it had signed.
    this.sign(id, offer.amount)
    add(this.balances, channel.payee, offer.amount - channel.claimed)
    channel.claimed = offer.amount
    this.#close(channel)
  }

  pause(): void {
    if (this.#pausedUntil !== 0 && this.#now() < this.#pausedUntil + PAUSE) throw new Refused('PauseTooSoon')
    this.#pausedUntil = this.#now() + PAUSE
  }

  resume(): void {
    this.#pausedUntil = Math.min(this.#pausedUntil, this.#now())
  }

  #live(id: string): ModelChannel {
    const channel = this.channels.get(id)
    if (channel === undefined) throw new Refused('ChannelUnknown')
    if (channel.closed) throw new Refused('ChannelAlreadyClosed')
    return channel
  }

  #close(channel: ModelChannel): void {
    channel.closed = true
    add(this.balances, channel.payer, channel.deposit - channel.claimed)
  }

  #take(from: string, amount: bigint, pull: boolean): void {
    const available = this.balances.get(from) ?? 0n
    if (pull && amount > available) {
      this.#pull(from, amount - available)
      this.balances.set(from, 0n)
    } else {
      this.#debit(from, amount)
    }
  }

  #debit(from: string, amount: bigint): void {
    if (amount > (this.balances.get(from) ?? 0n)) throw new Refused('InsufficientBalance')
    add(this.balances, from, -amount)
  }

  #pull(from: string, amount: bigint): void {
    if (this.#now() < this.#pausedUntil) throw new Refused('DepositsPaused')
    if (amount > (this.tokens.get(from) ?? 0n)) throw new Refused('ERC20InsufficientBalance')
    add(this.tokens, from, -amount)
    this.held += amount
  }
}

function add(amounts: Map<string, bigint>, key: string, amount: bigint): void {
  amounts.set(key, (amounts.get(key) ?? 0n) + amount)
}
