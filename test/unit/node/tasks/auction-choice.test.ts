import assert from 'node:assert/strict'
import type { Auctioneer } from '../../../../node/market/auction/auctioneer.ts'
import { DEFAULT_PREFERENCES, type Preferences } from '../../../../node/market/preferences.ts'
import type { Candidate } from '../../../../node/market/routing/candidate.ts'
import type { TaskEvent } from '../../../../node/tasks/ask.ts'
import { chooseByAuction } from '../../../../node/tasks/auction-choice.ts'
import type { Choice } from '../../../../node/tasks/venue.ts'
import { GREEDY } from '../../../helpers/samples.ts'
import { knownOffer } from '../market/samples.ts'

const [NANO, MINI] = [`nano@sha256:${'ab'.repeat(32)}`, `mini@sha256:${'cd'.repeat(32)}`]
const LISTED = { inputPerMillion: 10n ** 12n, outputPerMillion: 10n ** 12n }
const PAID = { inputPerMillion: 1n, outputPerMillion: 2n }
const AWARD = { bid: 'bid', runnerUp: null }

function choice(provider: string, model = NANO, venue: Candidate['venue'] = 'peer'): Choice {
  const offer = venue === 'peer' ? knownOffer(provider, { model, ...LISTED }) : null
  const candidate = {
    provider,
    venue,
    offer,
    model: { model, ...LISTED, spot: null },
  } as unknown as Candidate
  return { candidate, decisionId: 'd', price: LISTED, mode: 'on-demand', award: null }
}

/** Runs an auction that those named win, where they are asked. */
async function run(
  { choices, best }: { choices: Choice[]; best: Choice[] },
  winning: readonly string[],
  options: { preferences?: Partial<Preferences>; maxPrice?: bigint; model?: string } = {},
) {
  const calls: { task: Parameters<Auctioneer['sell']>[0]; asked: string[]; winners: number }[] = []
  const events: TaskEvent[] = []
  const preferences = { ...DEFAULT_PREFERENCES, auction: 'second-price' as const, ...options.preferences }
  const chosen = await chooseByAuction(
    {
      taskId: '00'.repeat(16),
      ask: {
        ...{ input: { kind: 'completion', prompt: 'fish' }, maxTokens: 64, maxPrice: null, stop: [] },
        ...{ model: options.model ?? null, jsonSchema: null, preferences },
        sampling: GREEDY,
      },
      maxPrice: options.maxPrice ?? null,
    },
    { choices, best },
    {
      auctioneer: {
        sell: async (task, entries, { winners }) => {
          calls.push({ task, asked: entries.map(({ offer }) => offer.provider), winners })
          return entries
            .filter(({ offer }) => winning.includes(offer.provider))
            .map(winner => ({
              ...{ winner, price: PAID, award: AWARD, taskId: task.taskId, bid: {} as never },
              ...{ asked: entries.length, bids: winning.length, tookMs: 1 },
            }))
        },
      },
      // Names of one operator begin alike.
      areDistinct: (a, b) => a[0] !== b[0],
      onEvent: event => events.push(event),
      signal: new AbortController().signal,
    },
  )
  return { chosen: chosen.map(({ candidate, award }) => [candidate.provider, award !== null]), calls, events }
}

describe('chooseByAuction', () => {
  const [a, b, c] = [choice('a'), choice('b'), choice('c')]

  it('leaves the choice as it is without an auction, and where the best costs nothing', async () => {
    const none = await run({ choices: [a, b], best: [a] }, ['b'], { preferences: { auction: null } })
    assert.deepEqual([none.chosen, none.calls], [[['a', false]], []])
    const own = choice('own', NANO, 'local')
    const free = await run({ choices: [own, b], best: [own] }, ['b'])
    assert.deepEqual([free.chosen, free.calls], [[['own', false]], []])
  })

  it('has one winner in the SLA class B, or the best choice where nobody bids', async () => {
    const won = await run({ choices: [a, choice('m', MINI), b], best: [a] }, ['b'])
    assert.deepEqual(won.chosen, [['b', true]])
    assert.deepEqual([won.calls[0]!.asked, won.calls[0]!.winners], [['a', 'b'], 1])
    assert.deepEqual((await run({ choices: [a, b], best: [a] }, [])).chosen, [['a', false]])
  })

  it('has as many winners as replicas are wanted, all for the same model', async () => {
    const { chosen, calls, events } = await run(
      { choices: [a, choice('m', MINI), b, c], best: [a, b] },
      ['b', 'c'],
      { preferences: { slaClass: 'A' }, maxPrice: 101n, model: 'nano' },
    )
    assert.deepEqual(chosen, [
      ['b', true],
      ['c', true],
    ])
    const [call] = calls
    assert.deepEqual([call!.winners, call!.asked, call!.task.model], [2, ['a', 'b', 'c'], NANO])
    assert.equal(call!.task.reserve, 50n, 'the cap holds for all together')
    assert.equal(events.length, 2)
  })

  it('fills up with the best distinct operators where too few bid', async () => {
    const choices = [a, choice('b1'), choice('b2'), c]
    const { chosen } = await run({ choices, best: [a, choices[1]!] }, ['b2'], {
      preferences: { slaClass: 'A' },
    })
    assert.deepEqual(chosen, [
      ['b2', true],
      ['a', false],
    ])
    const nobody = await run({ choices, best: [a, choices[1]!] }, [], { preferences: { slaClass: 'A' } })
    assert.deepEqual(nobody.chosen, [
      ['a', false],
      ['b1', false],
    ])
  })

  it('lets others bid beside our own engine, but no peer that is us', async () => {
    const own = choice('own', NANO, 'local')
    const { chosen, calls } = await run({ choices: [own, choice('o2'), a, b], best: [own, a] }, ['b'], {
      preferences: { slaClass: 'A' },
    })
    assert.deepEqual(calls[0]!.asked, ['a', 'b'])
    assert.deepEqual(chosen, [
      ['own', false],
      ['b', true],
    ])
  })
})
