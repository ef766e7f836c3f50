import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { Listing, Ranking } from '../../../../../node/market/routing/candidate.ts'
import { DecisionLog } from '../../../../../node/market/routing/learning/decision-log.ts'
import { LinUcbPolicy } from '../../../../../node/market/routing/learning/lin-ucb.ts'
import type { LoggedDecision } from '../../../../../node/market/routing/learning/log-line.ts'
import { DEFAULT_POLICY } from '../../../../../node/market/routing/learning/policy-settings.ts'
import { DecisionRecorder } from '../../../../../node/market/routing/learning/recorder.ts'
import type { HonestyView, ReputationView } from '../../../../../node/market/routing/modules.ts'
import { DEFAULT_TUNING } from '../../../../../node/market/routing/strategies.ts'
import { sumOf, trialShares } from '../../../../../node/market/routing/trial-shares.ts'
import { STRANGER_KINDS } from '../../../../../node/trust/evidence.ts'
import { CREDIT } from '../../../../../protocol/money.ts'
import { silentLog } from '../../../../helpers/hosts.ts'
import {
  demandFor,
  seededRandom,
  syntheticModelId,
  syntheticOffer,
  syntheticProvider,
} from '../../../../helpers/synthetic-market.ts'
import { TemporaryFolders } from '../../../../helpers/temporary.ts'
import { EVEN, market, order, outcome } from './samples.ts'

const RISK = 0.3

/** Those numbered above 100 are strangers, the others proven. */
function reputationOf(views: Partial<HonestyView> = {}, risk = RISK): ReputationView {
  const isStranger = (provider: string) => Number.parseInt(provider, 16) > 100
  return {
    honesty: provider => ({
      standing: isStranger(provider) ? 'unproven' : 'proven',
      prospect: isStranger(provider) ? 0.7 : 0.95,
      tasksAtOnce: Number.POSITIVE_INFINITY,
      ...views,
    }),
    strangerRisk: () => risk,
    score: () => ({ score: 50, tasks: 50 }),
    reliability: () => 0.9,
    isWelcome: () => true,
  }
}

const DEAR = { inputPerMillion: 50n * CREDIT, outputPerMillion: 50n * CREDIT }

describe('newcomers', () => {
  describe('and finding somebody at all', () => {
    it('are asked however dear, where there is nobody else', () => {
      const { router, offer } = market({ reputation: reputationOf() })
      const known = [1, 2, 3].map(provider => offer(provider))
      offer(101, DEAR)
      assert.deepEqual(order(router.rank(demandFor({ excluded: new Set(known) }))), [101])
      const { candidates } = router.rank(demandFor({ excluded: new Set(known.slice(1)) }))
      assert.deepEqual(
        candidates.map(({ provider, probability }) => [Number.parseInt(provider, 16), probability]),
        [
          [1, 1],
          [101, 0],
        ],
        'and come last where there are few',
      )
      assert.deepEqual(order(router.preview(demandFor({ excluded: new Set(known) }))), [101])
    })

    it('are found behind any number of others that do not stand up to a close look', () => {
      const { router, offer } = market({
        reputation: reputationOf(),
        breaker: { isOpen: provider => provider !== syntheticProvider(2_000) },
      })
      for (let provider = 1; provider < 700; provider++) offer(provider)
      offer(2_000, DEAR)
      assert.deepEqual(order(router.rank(demandFor())), [2_000])
    })

    it('come after those we know who have all our tasks they should have', () => {
      const { router, offer } = market({ reputation: reputationOf({ tasksAtOnce: 1 }) })
      router.tune({ maxTrials: 0 })
      const [first, second] = [offer(1), offer(2)]
      offer(101)
      const begin = (provider: string) => router.begin(router.rank(demandFor()).decisionId, provider)
      begin(first)
      assert.deepEqual(order(router.rank(demandFor())), [2, 101, 1])
      begin(second)
      const last = order(router.rank(demandFor()))
      assert.deepEqual([last.slice(0, 2).sort(), last[2]], [[1, 2], 101])
      const ranking = router.rank(demandFor())
      router.observe(outcome(ranking, second))
      assert.equal(order(router.rank(demandFor()))[0], 2)
    })

    it('get one task after another', () => {
      const { router, offer } = market({ reputation: reputationOf({ tasksAtOnce: 1 }) })
      const strangers = Array.from({ length: 20 }, (_, place) => offer(101 + place))
      const begun = new Set<string>()
      for (const _ of strangers) {
        const { decisionId, candidates } = router.rank(demandFor())
        router.begin(decisionId, candidates[0]!.provider)
        begun.add(candidates[0]!.provider)
      }
      assert.deepEqual([...begun].sort(), strangers)
      assert.ok(router.rank(demandFor()).candidates.length > 0, 'and a second one when all have theirs')
    })
  })

  describe('and what is logged of trials', () => {
    const folders = new TemporaryFolders()
    after(() => folders.remove())

    /** Ranks so many times; every ranking and what is in the log of it. */
    async function decide(
      times: number,
      set: (offer: ReturnType<typeof market>['offer']) => void,
      demand = demandFor({ taskId: '00' }),
    ): Promise<{ rankings: Ranking[]; logged: LoggedDecision[] }> {
      const path = join(await folders.make(), 'decisions.jsonl')
      const log = new DecisionLog({ path }, { log: silentLog })
      const policy = new LinUcbPolicy({ settings: DEFAULT_POLICY })
      const recorder = new DecisionRecorder({ log, policy, clock: { nowMs: () => 1 } })
      const { router, offer } = market({ reputation: reputationOf(), policy, log: recorder })
      set(offer)
      const rankings = Array.from({ length: times }, () => router.rank(demand))
      const logged: LoggedDecision[] = []
      for await (const { decision } of log.histories()) logged.push(decision)
      await log.stop()
      return { rankings, logged }
    }

    function isAbout(count: number, of: number, chance: number): void {
      const deviation = Math.sqrt(of * chance * (1 - chance))
      assert.ok(Math.abs(count - of * chance) <= 4 * deviation, `${count} of ${of}, expected ${chance}`)
    }

    it('has exact chances, of trials and of the policy together', async () => {
      const times = 1_200
      const { rankings, logged } = await decide(times, offer => {
        for (let known = 1; known <= 3; known++)
          offer(known, { outputPerMillion: BigInt(known + 2) * CREDIT })
        for (let stranger = 101; stranger <= 102; stranger++)
          offer(stranger, { outputPerMillion: BigInt(stranger - 100) * CREDIT })
      })
      assert.equal(logged.length, times)
      const share = (DEFAULT_TUNING.trialRisk * DEFAULT_TUNING.trialRiskShares.unstaked) / RISK
      const firsts = new Map<string, number>()
      const chances = new Map(logged[0]!.candidates.map(({ provider, chance }) => [provider, chance]))
      let trials = 0
      for (const [
        place,
        { decidedBy, trialShare, probability, candidates, policy, explored },
      ] of logged.entries()) {
        const [first] = candidates as [LoggedDecision['candidates'][0]]
        assert.ok(Math.abs(trialShare - share) < 1e-12)
        assert.equal(decidedBy, first.isNewcomer ? 'trial' : 'policy')
        assert.ok(Math.abs(first.chance - probability) < 1e-9)
        assert.equal(rankings[place]!.candidates[0]!.probability, probability)
        const sum = candidates.reduce((total, { chance }) => total + chance, 0)
        assert.ok(Math.abs(sum - 1) < 1e-9, `${sum}`)
        for (const { provider, chance } of candidates)
          assert.ok(Math.abs(chances.get(provider)! - chance) < 1e-9)
        assert.ok(policy?.startsWith('default#'))
        if (decidedBy === 'trial') trials++
        assert.ok(decidedBy === 'policy' || explored)
        firsts.set(first.provider, (firsts.get(first.provider) ?? 0) + 1)
      }
      isAbout(trials, times, share)
      for (const [provider, chance] of chances) isAbout(firsts.get(provider) ?? 0, times, chance)
    })

    it('tries each kind at its own risk, with exact chances, whatever the others are like', async () => {
      const kindOf = (provider: string) => {
        const number = Number.parseInt(provider, 16)
        return number <= 100 ? null : number <= 103 ? 'staked' : number <= 130 ? 'unstaked' : 'suspected'
      }
      const risks = { staked: 0.05, unstaked: 0.9, suspected: 0.5 }
      const base = reputationOf()
      const { router, offer } = market({
        reputation: {
          ...base,
          honesty: provider => ({
            ...base.honesty(provider),
            standing:
              kindOf(provider) === null
                ? 'proven'
                : kindOf(provider) === 'suspected'
                  ? 'suspected'
                  : 'unproven',
            hasStake: kindOf(provider) === 'staked',
          }),
          strangerRisk: kind => risks[kind],
        },
      })
      for (let known = 1; known <= 5; known++) offer(known)
      for (let stranger = 101; stranger <= 140; stranger++) offer(stranger)
      const times = 3_000
      const tried = { staked: 0, unstaked: 0, suspected: 0 }
      let sum = 0
      for (let i = 0; i < times; i++) {
        const { candidates, decidedBy, trialShare } = router.rank(demandFor())
        const kind = kindOf(candidates[0]!.provider)
        assert.equal(decidedBy, kind === null ? 'policy' : 'trial')
        if (kind !== null) tried[kind]++
        sum = trialShare
      }
      const shares = trialShares(new Set(STRANGER_KINDS), kind => risks[kind], true, DEFAULT_TUNING)
      assert.ok(Math.abs(sum - sumOf(shares)) < 1e-9)
      for (const kind of STRANGER_KINDS) isAbout(tried[kind], times, shares[kind])
      assert.ok(
        shares.staked > 5 * shares.unstaked,
        'those who have nothing to lose take nothing from those who have',
      )
    })

    it('draws anew where somebody turns out to be another than it was taken for', () => {
      const base = reputationOf()
      const caught = { standing: 'caught' } as const
      const unproven = { standing: 'unproven' } as const
      const turns: [knownTo: Partial<HonestyView>, strangersTo: Partial<HonestyView>][] = [
        [{}, { hasStake: true }],
        [unproven, {}],
        [{}, { standing: 'proven' }],
        [caught, {}],
        [{}, caught],
      ]
      for (const [knownTo, strangersTo] of turns) {
        const views = new Map<string, Partial<HonestyView>>()
        const { router, offer } = market({
          reputation: {
            ...base,
            honesty: provider => ({ ...base.honesty(provider), ...views.get(provider) }),
          },
        })
        const known = Array.from({ length: 60 }, (_, place) => offer(1 + place))
        const strangers = Array.from({ length: 60 }, (_, place) => offer(101 + place))
        for (const provider of known.slice(0, 55)) views.set(provider, knownTo)
        for (const provider of strangers.slice(0, 55)) views.set(provider, strangersTo)
        const isProven = (provider: string) =>
          (views.get(provider)?.standing ?? (known.includes(provider) ? 'proven' : 'unproven')) === 'proven'
        for (let i = 0; i < 8; i++) {
          const { candidates, trialShare } = router.rank(demandFor())
          const [first] = candidates
          assert.ok(first!.probability > 0)
          if (trialShare === 0 || trialShare === 1) continue
          for (const { provider, probability } of candidates) {
            assert.notEqual(views.get(provider), caught)
            const share = probability / (isProven(provider) ? 1 - trialShare : trialShare)
            assert.ok(share >= 0 && share <= 1 + 1e-9, `${provider}: ${probability} of ${trialShare}`)
          }
        }
      }
    })

    it('has every task a trial in a crowd of strangers, and the others in case it fails', async () => {
      const { logged } = await decide(200, offer => {
        for (let stranger = 101; stranger <= 112; stranger++) offer(stranger)
      })
      for (const { decidedBy, trialShare, probability, candidates } of logged) {
        assert.deepEqual([decidedBy, trialShare, candidates.length], ['trial', 1, 12])
        assert.ok(Math.abs(probability - 1 / 12) < 1e-6)
        assert.ok(candidates.every(({ chance, eligible }) => Math.abs(chance - 1 / 12) < 1e-6 && !eligible))
      }
    })

    it('has a wish for what it is, even for a dear stranger', async () => {
      const preferred = { provider: syntheticProvider(101), model: syntheticModelId(0) }
      const { logged } = await decide(
        20,
        offer => {
          for (let known = 1; known <= 20; known++) offer(known)
          offer(101, DEAR)
        },
        demandFor({ taskId: '00', preferred }),
      )
      for (const { decidedBy, probability, trialShare, candidates } of logged) {
        assert.deepEqual([decidedBy, probability, trialShare], ['wish', 1, 0])
        assert.equal(candidates[0]!.provider, preferred.provider)
        assert.deepEqual(
          candidates.map(({ chance }) => chance),
          candidates.map((_, place) => (place === 0 ? 1 : 0)),
        )
      }
    })
  })

  describe('beside our own engine and services', () => {
    const known = syntheticOffer(syntheticProvider(9), seededRandom(1), 0)
    const own = (provider: 'local' | 'cloud:dear', price: bigint, tokensPerSecond = 50): Listing => ({
      provider,
      venue: provider === 'local' ? 'local' : 'cloud',
      offer: null,
      terms: { dataClass: 'SHARED', slaClasses: ['B'], region: null, quality: null },
      model: {
        ...known.offer.models[0]!,
        ...EVEN,
        inputPerMillion: price,
        outputPerMillion: price,
        tokensPerSecond,
      },
    })
    const frugal = demandFor({}, { strategy: 'cost' })
    const sharesOf = (router: ReturnType<typeof market>['router'], demand = frugal) => {
      const rankings = Array.from({ length: 1_000 }, () => router.rank(demand))
      const count = (is: (ranking: Ranking) => boolean) => rankings.filter(is).length
      return {
        trials: count(({ decidedBy }) => decidedBy === 'trial'),
        strangers: count(({ candidates }) => candidates[0]!.venue === 'peer'),
        trialShare: rankings[0]!.trialShare,
      }
    }

    it('are tried though a dearer service is known, up to a bound', () => {
      for (const risk of [0, RISK, 0.9]) {
        const { router, offer, index } = market({ reputation: reputationOf({}, risk) })
        index.setLocal([own('cloud:dear', 20n * CREDIT)])
        for (let stranger = 101; stranger <= 103; stranger++) offer(stranger)
        const { trials, strangers, trialShare } = sharesOf(router)
        assert.equal(strangers, trials)
        const { maxTrials, trialRisk, trialRiskShares } = DEFAULT_TUNING
        const mayLose = trialRisk * trialRiskShares.unstaked
        const expected = Math.max(
          Math.min(maxTrials, mayLose / Math.max(mayLose, risk)),
          maxTrials * (1 - risk),
        )
        assert.ok(Math.abs(trialShare - expected) < 1e-12 && trialShare <= maxTrials)
        assert.ok(trials > 0 && trials < 2 * expected * 1_000, `${trials} at a risk of ${risk}`)
        assert.ok(trialShare * risk <= maxTrials / 4 + trialRisk, 'what cheats get is bounded')
      }
    })

    it('take over from a dearer service once they are proven', () => {
      const { router, offer, index } = market({ reputation: reputationOf() })
      index.setLocal([own('cloud:dear', 20n * CREDIT)])
      for (let peer = 1; peer <= 3; peer++) offer(peer)
      assert.ok(router.rank(frugal).candidates[0]!.venue === 'peer')
    })

    it('are not paid for what our own engine does as well for nothing', () => {
      const closed = new Set<string>()
      const { router, offer, index } = market({
        reputation: reputationOf(),
        breaker: { isOpen: provider => closed.has(provider) },
      })
      index.setLocal([own('local', 0n)])
      offer(101)
      assert.deepEqual(sharesOf(router), { trials: 0, strangers: 0, trialShare: 0 })
      assert.deepEqual(
        router.rank(frugal).candidates.map(({ venue }) => venue),
        ['local', 'peer'],
        'but stand by',
      )
      closed.add('local')
      assert.equal(router.rank(frugal).candidates[0]!.venue, 'peer')
    })

    it('are tried where they promise more than our own engine', () => {
      const { router, offer, index } = market({ reputation: reputationOf() })
      index.setLocal([own('local', 0n, 2)])
      offer(101, { tokensPerSecond: 500, ttftMs: 20 })
      assert.ok(sharesOf(router, demandFor({}, { strategy: 'speed' })).trials > 0)
    })
  })
})
