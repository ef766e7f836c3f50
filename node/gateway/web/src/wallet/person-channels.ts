import type { Address, ChannelId } from '../../../../../protocol/ids.ts'
import { maxAmount, minAmount } from '../../../../../protocol/money.ts'
import type { SessionChannel } from './channel-store.ts'
import type { ChainChannel } from './contracts.ts'

/**
 * What can be done about the money in a channel.
 * - `pay`: it pays for answers of this node; this browser has its key.
 * - `closeTogether`: as `pay`, and the node agrees to close at once.
 * - `startClose`: the person's own transaction; what is left comes back after the delay.
 * - `finishClose`: the delay is over, or the channel has expired: what is left comes back with one transaction.
 * - `wait`: a close has been announced.
 */
export type ChannelWay = 'pay' | 'closeTogether' | 'startClose' | 'finishClose' | 'wait'

/** A channel of the person, by the chain and by what this browser knows. Amounts in base units. */
export interface PersonChannel {
  channelId: ChannelId
  payee: Address
  state: 'opening' | 'open' | 'closing' | 'closed'
  deposit: bigint
  /** Signed away so far, as this browser knows; else what was claimed on chain. */
  signed: bigint
  claimed: bigint
  /** What comes back when it closes now. */
  left: bigint
  expiresAtMs: number
  /** When a close can be finished: announced, or by expiry. */
  closableAtMs: number
  /** This browser can sign for it. */
  hasKey: boolean
  /** It pays this node. */
  isThisNode: boolean
  /** Nothing will come of it by itself: no key here, another node, or expired. */
  isStranded: boolean
  ways: readonly ChannelWay[]
}

/** An opening that was signed can be relayed for so long; after that nothing can come of it. */
export const OPENING_LASTS_MS = 3_600_000

/**
 * Joins what the chain has with what this browser knows.
 * @param at.nowMs the later of the chain's time and the clock
 */
export function personChannels(
  chain: readonly ChainChannel[],
  kept: readonly SessionChannel[],
  at: { nowMs: number; payee: Address | null; keys: ReadonlySet<ChannelId> },
): PersonChannel[] {
  const known = new Map(kept.map(channel => [channel.channelId, channel]))
  const onChain = new Set(chain.map(({ channelId }) => channelId))
  const opening = kept.filter(
    ({ channelId, state, openedAtMs }) =>
      state === 'opening' && !onChain.has(channelId) && at.nowMs < openedAtMs + OPENING_LASTS_MS,
  )
  return [
    ...opening.map(channel => openingChannel(channel, at)),
    ...chain.map(channel => channelOf(channel, known.get(channel.channelId) ?? null, at)),
  ]
}

function openingChannel(channel: SessionChannel, at: { payee: Address | null }): PersonChannel {
  const { channelId, payee, deposit, expiresAtMs } = channel
  return {
    ...{ channelId, payee, deposit, expiresAtMs, closableAtMs: expiresAtMs },
    ...{ state: 'opening', signed: 0n, claimed: 0n, left: deposit, hasKey: true },
    ...{ isThisNode: payee === at.payee, isStranded: false, ways: [] },
  }
}

function channelOf(
  channel: ChainChannel,
  kept: SessionChannel | null,
  at: { nowMs: number; payee: Address | null; keys: ReadonlySet<ChannelId> },
): PersonChannel {
  const { channelId, payee, deposit, claimed, expiresAtMs, closesAtMs, status } = channel
  const signed = maxAmount(kept?.signed ?? 0n, claimed)
  const hasKey = at.keys.has(channelId)
  const isThisNode = payee === at.payee
  const closableAtMs = Math.min(closesAtMs ?? expiresAtMs, expiresAtMs)
  const isClosable = status !== 'closed' && at.nowMs >= closableAtMs
  const ways: ChannelWay[] = []
  if (status === 'open' && !isClosable) {
    if (hasKey && isThisNode) ways.push('pay', 'closeTogether')
    ways.push('startClose')
  }
  if (status === 'closing' && !isClosable) {
    if (hasKey && isThisNode) ways.push('closeTogether')
    ways.push('wait')
  }
  if (isClosable) ways.push('finishClose')
  const left = status === 'closed' ? 0n : deposit - minAmount(signed, deposit)
  return {
    ...{ channelId, payee, deposit, claimed, signed, left, expiresAtMs, closableAtMs, hasKey, isThisNode },
    state: status,
    isStranded: left > 0n && !ways.includes('pay'),
    ways,
  }
}
