import type { LossPair } from '../../../protocol/messages/learning/common.ts'
import type { UpdateVerdict } from '../../../protocol/messages/learning/update-scores.ts'
import { medianText, pairOf, relativeGain, type TextLoss } from './gain.ts'

/** What was measured of one update: on texts of the domain that it says it is of, and on other texts. */
export interface MeasuredUpdate {
  own: readonly TextLoss[]
  random: readonly LossPair[]
}

/** What a scorer says of an update that it could measure. */
export interface MeasuredVerdict {
  verdict: Extract<UpdateVerdict, 'accepted' | 'no_gain' | 'not_own'>
  ownDomain: LossPair
  random: LossPair | null
  /** Whether only its author gave a text of its domain: the gain is on a text that it may have trained on. */
  isAuthorsAlone: boolean
}

/** A smaller share of the loss is within what samples and kernels differ by. */
const LEAST_GAIN = 0.01
/**
 * Who gains less than this share of what is usual in the round has done no work: half of all random changes of a model gain a
 * little (1.6 % on the embedded model, where an honest update of twelve steps gains 83 %).
 */
const IDLE_SHARE = 0.05

/**
 * What an update's losses say of it. It has to remove loss from data of its own domain that it has not seen, and more of it
 * than from random data.
 *
 * Gauntlet (arXiv 2505.21684, section 3, proof of computation) assigns each peer a shard of a public corpus and asks
 * that the loss falls more on the shard than on random data: who copies another's update, or trains on something else,
 * shows no such difference. Here the data is private and nobody assigns it. The domain that an author bound itself to
 * when it joined, before any text was shown, stands for the shard; texts of that domain by others stand for its data, so that
 * it is also told whether what it learned holds beyond its own examples; and texts of other domains are the random ones.
 *
 * Where nobody else gave a text of the domain, the author's own speaks for it: else the only member with some
 * kind of data could never take part. `capAuthorsAlone` keeps that from paying more than measured gains do.
 * @returns null where nothing speaks for the domain
 */
export function verdictOf({ own, random }: MeasuredUpdate): MeasuredVerdict | null {
  const others = own.filter(({ isAuthors }) => !isAuthors)
  const isAuthorsAlone = others.length === 0
  const ownDomain = medianText(isAuthorsAlone ? own : others, 'lower')
  if (ownDomain === null) return null
  // In doubt for neither: the lesser of what it gains on its own, the greater of what it gains elsewhere.
  const randomText = medianText(random, 'upper')
  const gain = relativeGain(ownDomain)
  const randomGain = randomText === null ? 0 : relativeGain(randomText)
  const verdict = gain < LEAST_GAIN ? 'no_gain' : gain <= randomGain ? 'not_own' : 'accepted'
  return { verdict, ownDomain: pairOf(ownDomain), random: randomText && pairOf(randomText), isAuthorsAlone }
}

/**
 * Lowers gains that only their authors' texts show to the median of those that others' texts show. Who invents a domain
 * and trains on the text that it gives for it then gains no more than an honest member with data like others'. Where
 * all are alone, nothing is lowered.
 */
export function capAuthorsAlone<T extends MeasuredVerdict>(verdicts: readonly T[]): T[] {
  const shown = medianText(
    verdicts
      .filter(({ verdict, isAuthorsAlone }) => verdict === 'accepted' && !isAuthorsAlone)
      .map(({ ownDomain }) => ownDomain),
    'lower',
  )
  if (shown === null) return [...verdicts]
  const most = relativeGain(shown)
  return verdicts.map(verdict => {
    const { isAuthorsAlone, ownDomain } = verdict
    if (!isAuthorsAlone || relativeGain(ownDomain) <= most) return verdict
    return { ...verdict, ownDomain: { ...ownDomain, after: Math.ceil(ownDomain.before * (1 - most)) } }
  })
}

/** Takes for idle who gains next to nothing of what the others gain. */
export function withoutIdle<T extends MeasuredVerdict>(verdicts: readonly T[]): T[] {
  const usual = medianText(
    verdicts.filter(({ verdict }) => verdict === 'accepted').map(({ ownDomain }) => ownDomain),
    'upper',
  )
  if (usual === null) return [...verdicts]
  const least = relativeGain(usual) * IDLE_SHARE
  return verdicts.map(verdict =>
    verdict.verdict === 'accepted' && relativeGain(verdict.ownDomain) < least
      ? { ...verdict, verdict: 'no_gain' }
      : verdict,
  )
}
