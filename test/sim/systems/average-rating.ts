import { type SimProvider, type SimSystem, type Status, taskCost } from '../market.ts'
import { bestOf } from './best-of.ts'

/** What somebody nobody has rated is taken for. */
const UNRATED = 0.5
const EXPLORATION = 0.05

/**
 * As market places do: the plain average of all ratings, own and others', bad 0 and good 1, each counting the same;
 * chosen by price ÷ rating, and one task in twenty goes to anybody.
 */
export const averageRating: SimSystem = {
  name: 'average rating',
  start:
    ({ random, auditProbability }) =>
    requester => {
      const ratings = new Map<SimProvider, { good: number; all: number }>()
      const rate = (provider: SimProvider, status: Status) => {
        if (status === 'refused') return
        const rating = ratings.get(provider) ?? { good: 0, all: 0 }
        ratings.set(provider, rating)
        rating.all++
        if (status === 'completed') rating.good++
      }
      const ratingOf = (provider: SimProvider) => {
        const rating = ratings.get(provider)
        return rating === undefined ? UNRATED : rating.good / rating.all
      }
      return {
        rank(task, tried) {
          const offering = requester.view.offering(task.model)
          const best = bestOf(
            offering,
            tried,
            provider => ratingOf(provider) / taskCost(task, provider),
            random,
          )
          if (!random.chance(EXPLORATION)) return best
          const other = random.pick(offering)
          return tried.has(other) ? best : [other, ...best.filter(provider => provider !== other)]
        },
        began() {},
        observe: ({ provider, status }) => rate(provider, status),
        hear: ({ subject, status }) => rate(subject, status),
        auditProbability: () => auditProbability,
      }
    },
}
