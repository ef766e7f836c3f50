import {
  type LossPair,
  MICRO_NATS_PER_NAT,
  type MicroNats,
} from '../../../protocol/messages/learning/common.ts'

/** A loss below this, nats per token, leaves nothing to be learned; shares of it would be noise. */
const LEAST_LOSS: MicroNats = MICRO_NATS_PER_NAT / 100
/**
 * A loss above this says no more than this: blind guessing over the largest vocabularies of today costs ln(262144) = 12.5
 * nats. Texts made to be foretold badly, and adapters that break the model, count so much and no more.
 */
const MOST_LOSS_NATS = 16

/** What was measured of an update on one text, micro-nats per token. */
export interface TextLoss extends LossPair {
  /** Whether its author gave the text. */
  isAuthors: boolean
}

/** The losses alone. */
export function pairOf({ before, after }: LossPair): LossPair {
  return { before, after }
}

/** A loss as messages carry it; what is no number is the worst there is. */
export function microNats(nats: number): MicroNats {
  const bounded = Number.isNaN(nats) ? MOST_LOSS_NATS : Math.min(MOST_LOSS_NATS, Math.max(0, nats))
  return Math.round(bounded * MICRO_NATS_PER_NAT)
}

/**
 * Share of the loss that was removed: (before − after) / before, from -1 to 1. The raw difference (LossScore of Gauntlet,
 * arXiv 2505.21684, section 3) would reward whoever has data that the model foretells badly; members' data differ by
 * more than their work, so that shares are compared.
 */
export function relativeGain({ before, after }: LossPair): number {
  return Math.max(-1, Math.min(1, (before - after) / Math.max(before, LEAST_LOSS)))
}

/**
 * The text that speaks for several: that of the median gain, of two in the middle the `lower` or the `upper`. Fewer than half of
 * the texts, whatever is in them, cannot bring it outside what the others say. Null where there is none.
 */
export function medianText<T extends LossPair>(texts: readonly T[], side: 'lower' | 'upper'): T | null {
  const sorted = texts
    .map(text => ({ text, gain: relativeGain(text) }))
    .sort((a, b) => a.gain - b.gain || a.text.before - b.text.before)
  const middle = side === 'lower' ? Math.ceil(sorted.length / 2) - 1 : Math.floor(sorted.length / 2)
  return sorted[middle]?.text ?? null
}
