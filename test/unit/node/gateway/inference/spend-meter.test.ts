import assert from 'node:assert/strict'
import fc from 'fast-check'
import { SpendMeter, withoutMarkup } from '../../../../../node/gateway/inference/spend-meter.ts'

const OWN = () => ({ inputPerMillion: 1_000_000n, outputPerMillion: 2_000_000n })

describe('what a request costs its payer', () => {
  const spending = fc.record({
    choice: fc.nat(2),
    attempt: fc.nat(2),
    isOwn: fc.boolean(),
    amount: fc.bigInt(0n, 10n ** 20n),
    promptTokens: fc.nat(1_000),
    outputTokens: fc.nat(1_000),
  })

  it('never falls, is never less than what the node pays, and keeps to the limit with its markup', () => {
    fc.assert(
      fc.property(
        fc.array(spending, { maxLength: 30 }),
        fc.integer({ min: 0, max: 1_000 }),
        (told, thousandths) => {
          const markup = thousandths / 1_000
          const meter = new SpendMeter({ markup, ownPrice: OWN })
          const paid = new Map<string, bigint>()
          let before = 0n
          for (const { choice, isOwn, ...rest } of told) {
            const provider = isOwn ? 'local' : 'cloud:x'
            meter.spending(choice, { ...rest, provider, model: 'm' })
            assert.ok(meter.total >= before)
            before = meter.total
            if (isOwn) continue
            const key = `${choice}:${rest.attempt}`
            const most = paid.get(key) ?? 0n
            paid.set(key, rest.amount > most ? rest.amount : most)
          }
          const net = [...paid.values()].reduce((sum, amount) => sum + amount, 0n)
          assert.ok(meter.total >= net)
          // Told again in the end, it costs no more.
          const ofFirst = [...paid]
            .filter(([key]) => key.startsWith('0:'))
            .reduce((sum, [, amount]) => sum + amount, 0n)
          meter.paid(0, ofFirst)
          assert.equal(meter.total, before)
          meter.paid(0, ofFirst + 1_000n)
          assert.ok(meter.total >= before + 1_000n)
        },
      ),
    )
  })

  it('is no more than a limit of which the markup was taken off', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 10n ** 24n), fc.integer({ min: 0, max: 1_000 }), (limit, thousandths) => {
        const markup = thousandths / 1_000
        const meter = new SpendMeter({ markup, ownPrice: null })
        meter.paid(0, withoutMarkup(limit, markup))
        assert.ok(meter.total <= limit)
      }),
    )
  })

  it('is the own price for answers of the own engine, and nothing for the owner', () => {
    const told = {
      attempt: 0,
      provider: 'local' as const,
      model: 'm',
      amount: 0n,
      promptTokens: 10,
      outputTokens: 5,
    }
    const others = new SpendMeter({ markup: 0.5, ownPrice: OWN })
    others.spending(0, told)
    assert.equal(others.total, 30n)
    const owner = new SpendMeter({ markup: 0, ownPrice: null })
    owner.spending(0, told)
    assert.equal(owner.total, 0n)
  })
})
