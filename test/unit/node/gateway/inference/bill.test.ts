import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { GatewayError } from '../../../../../node/gateway/http/http-error.ts'
import { OWNER_PURSE, type Purse } from '../../../../../node/gateway/http/purse.ts'
import { Bill, type BillOptions, type UncappedAsk } from '../../../../../node/gateway/inference/bill.ts'
import type { ShoalNode } from '../../../../../node/node.ts'
import type { AttemptSpending } from '../../../../../node/tasks/ask.ts'
import { costRoundedUp } from '../../../../../protocol/money.ts'
import { ManualClock } from '../../../../helpers/manual-clock.ts'

const OWN_PRICE = { inputPerMillion: 2_000_000n, outputPerMillion: 5_000_000n }
const WORST = 400n
const ASK = { input: { kind: 'chat', messages: [] }, maxTokens: 10 } as unknown as UncappedAsk
const EMBED = { input: { kind: 'embedding', inputs: ['abc'] }, maxTokens: 1 } as unknown as UncappedAsk

/** A payer that gives up to `pays`, in whatever it is asked for before. */
class Payer implements Purse {
  readonly #pays: bigint
  reserved: bigint | null = null
  readonly settled: bigint[] = []
  covered = 0n

  constructor(pays: bigint) {
    this.#pays = pays
  }

  async reserve(maxAmount: bigint) {
    this.reserved = maxAmount
    return {
      limit: maxAmount,
      spent: async (total: bigint) => {
        if (total > this.#pays) throw new Error('not paid')
        this.covered = total
      },
      settle: async (total: bigint) => void this.settled.push(total),
    }
  }
}

function nodeOf(markup: number, candidates: readonly object[]): ShoalNode {
  return {
    config: { 'gateway.markup': markup },
    parts: { desk: { pricing: { terms: () => OWN_PRICE } } },
    trade: { requester: { rank: () => ({ candidates }) } },
  } as unknown as ShoalNode
}

interface OpenOptions {
  asks?: readonly UncappedAsk[]
  purse: Purse
  tenant?: string
  maxPrice?: bigint | null
  markup?: number
  candidates?: readonly object[]
}

const PEER = { provider: 'ab', prediction: { worstCost: WORST }, model: { model: 'm', contextTokens: 100 } }
const LOCAL = { ...PEER, provider: 'local', prediction: { worstCost: 0n } }

function open(options: OpenOptions): Promise<Bill> {
  const { asks = [ASK], purse, tenant = 'guest', maxPrice = null, markup = 0, candidates = [PEER] } = options
  return Bill.open(
    {
      ...{ asks, purse, shoal: { maxPrice }, signal: new AbortController().signal, onEvent: () => {} },
      principal: { tenant, policy: { maxPricePerRequest: null } } as BillOptions['principal'],
    },
    { node: nodeOf(markup, candidates), clock: new ManualClock(), stopping: new AbortController().signal },
  )
}

const spending = (changes: Partial<AttemptSpending>): AttemptSpending => ({
  ...{ attempt: 0, provider: 'ab', model: 'm', amount: 0n, promptTokens: 0, outputTokens: 0 },
  ...changes,
})

describe('Bill', () => {
  it('sets aside what the request names, else the most it can cost, with the markup', async () => {
    const reservedBy = async (options: Omit<OpenOptions, 'purse'>) => {
      const purse = new Payer(0n)
      await open({ ...options, purse })
      return purse.reserved
    }
    assert.equal(await reservedBy({ maxPrice: 7n }), 7n)
    assert.equal(await reservedBy({ asks: [ASK, ASK, ASK] }), 3n * WORST)
    assert.equal(await reservedBy({ markup: 0.25 }), 500n)
    // The own engine asks its own price: of a whole context and the longest answer, or of all that is embedded.
    assert.equal(await reservedBy({ candidates: [LOCAL] }), 2n * 100n + 5n * 10n + 1n)
    assert.equal(await reservedBy({ candidates: [LOCAL], asks: [EMBED] }), 2n * (64n + 3n + 64n) + 5n + 1n)
  })

  it('costs the owner nothing of the own engine, and others its price', async () => {
    const used = spending({ provider: 'local', promptTokens: 10, outputTokens: 4 })
    const owner = await open({ purse: OWNER_PURSE, tenant: 'owner', markup: 0.5 })
    await owner.coverOf(0)(used)
    assert.deepEqual([owner.total, owner.left], [0n, null])
    const guest = await open({ purse: new Payer(10n ** 9n) })
    await guest.coverOf(0)(used)
    assert.equal(guest.total, costRoundedUp(OWN_PRICE, { inputTokens: 10, outputTokens: 4 }))
  })

  it('never takes more than was set aside, and stops the work when nobody pays', async () => {
    const step = fc.record({ task: fc.nat(2), attempt: fc.nat(2), amount: fc.bigInt(0n, 300n) })
    const amount = fc.bigInt(0n, 2_000n)
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 12 }),
        ...[amount, amount, fc.constantFrom(0, 0.1, 1)],
        async (steps, maxPrice, pays, markup) => {
          const purse = new Payer(pays as bigint)
          const limit = maxPrice as bigint
          const bill = await open({ asks: [ASK, ASK, ASK], purse, maxPrice: limit, markup: markup as number })
          let total = 0n
          for (const { task, ...spent } of steps) {
            const left = bill.left!
            assert.ok(left >= 0n && left <= limit)
            await bill.coverOf(task)(spending(spent))
            assert.ok(bill.total >= total, 'it never falls')
            total = bill.total
            assert.equal(bill.signal.aborted, bill.isUnpaid)
            if (!bill.isUnpaid) assert.ok(total <= limit && (total === 0n || purse.covered === total))
          }
          assert.equal(bill.isUnpaid, total > limit || total > pays)
          await bill.settle()
          assert.deepEqual(purse.settled, [total > limit ? limit : total])
        },
      ),
      { numRuns: 200 },
    )
  })

  it('gives up a payer that says nothing', async () => {
    const clock = new ManualClock()
    const purse: Purse = {
      reserve: async () => ({ limit: 100n, spent: () => new Promise(() => {}), settle: async () => {} }),
    }
    const bill = await Bill.open(
      {
        ...{ asks: [ASK], purse, shoal: { maxPrice: 100n }, signal: new AbortController().signal },
        ...{ onEvent: () => {} },
        principal: { tenant: 'guest', policy: { maxPricePerRequest: null } } as BillOptions['principal'],
      },
      { node: nodeOf(0, [PEER]), clock, stopping: new AbortController().signal },
    )
    const covered = bill.coverOf(0)(spending({ amount: 5n }))
    await clock.advance(10_000)
    await covered
    assert.ok(bill.isUnpaid && bill.signal.aborted)
  })

  it('passes on why nothing can be set aside', async () => {
    const purse: Purse = {
      reserve: async () => {
        throw Object.assign(new Error('empty'), { code: 'BUDGET_EXCEEDED' }) as GatewayError
      },
    }
    await assert.rejects(open({ purse }), { code: 'BUDGET_EXCEEDED' })
  })
})
