import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { StandardMerkleTree } from '@openzeppelin/merkle-tree'
import fc from 'fast-check'
import {
  type Allocation,
  allocate,
  allocateProviders,
  type Distribution,
  differences,
  distributionOf,
  learnerWeights,
  type ProviderWork,
  proofOf,
  providerWeights,
  type Weight,
} from '../../../../node/chain/emission-allocation.ts'
import type { Address } from '../../../../protocol/ids.ts'

const account = (index: number): Address => `0x${index.toString(16).padStart(40, '0')}`
const [ALICE, BOB, CAROL] = [account(0xa), account(0xb), account(0xc)] as const
const amounts = fc.bigInt({ min: 0n, max: 1n << 96n })
/** Few accounts, so that some are there more than once. */
const someAccount = fc.nat({ max: 12 }).map(account)
const weights = fc.array(fc.record({ account: someAccount, weight: amounts }), { maxLength: 30 })
const works = fc.uniqueArray(
  fc.record({ account: someAccount, settled: amounts, stake: amounts, active: fc.boolean() }),
  { selector: work => work.account, maxLength: 13 },
)
const sum = (list: readonly { amount: bigint }[]) => list.reduce((total, { amount }) => total + amount, 0n)

describe('emission: allocation', () => {
  it('splits in proportion, rounded down', () => {
    const list = [
      { account: BOB, weight: 2n },
      { account: ALICE, weight: 1n },
      { account: CAROL, weight: 0n },
    ]
    assert.deepEqual(allocate(100n, list), [
      { account: ALICE, amount: 33n },
      { account: BOB, amount: 66n },
    ])
    assert.deepEqual(allocate(1n, list), [])
    assert.deepEqual(allocate(0n, list), [])
    assert.deepEqual(allocate(100n, []), [])
    assert.deepEqual(allocate(100n, [{ account: CAROL, weight: 0n }]), [])
  })

  it('adds up what an account has, however its address is written', () => {
    const list = [
      { account: `0x${'AB'.repeat(20)}`, weight: 1n },
      { account: `0x${'ab'.repeat(20)}`, weight: 2n },
    ]
    assert.deepEqual(allocate(9n, list), [{ account: `0x${'ab'.repeat(20)}`, amount: 9n }])
  })

  it('refuses what is negative', () => {
    assert.throws(() => allocate(-1n, []), RangeError)
    assert.throws(() => allocate(1n, [{ account: ALICE, weight: -1n }]), RangeError)
  })

  it('never gives out more than the pool, and loses less than a unit an account', () => {
    fc.assert(
      fc.property(amounts, weights, (pool, list) => {
        const given = sum(allocate(pool, list))
        assert.ok(given <= pool)
        if (list.some(({ weight }) => weight > 0n)) assert.ok(pool - given < 13n)
      }),
    )
  })

  it('is the same in any order', () => {
    const shuffled = weights.chain(list =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
    )
    fc.assert(
      fc.property(amounts, shuffled, (pool, [list, other]) => {
        assert.deepEqual(allocate(pool, other), allocate(pool, list))
      }),
    )
  })

  it('gives nobody less for more weight', () => {
    fc.assert(
      fc.property(amounts, weights, amounts, (pool, list, more) => {
        const of = (given: readonly Allocation[]) => given.find(one => one.account === ALICE)?.amount ?? 0n
        const with_ = (weight: bigint): Weight[] => [...list, { account: ALICE, weight }]
        assert.ok(of(allocate(pool, with_(more + 1n))) >= of(allocate(pool, with_(more))))
      }),
    )
  })

  it('counts work of active providers up to a multiple of their stake', () => {
    const list: ProviderWork[] = [
      { account: ALICE, settled: 100n, stake: 30n, active: true },
      { account: BOB, settled: 10n, stake: 30n, active: true },
      { account: CAROL, settled: 100n, stake: 30n, active: false },
    ]
    assert.deepEqual(providerWeights(list), [
      { account: ALICE, weight: 30n },
      { account: BOB, weight: 10n },
    ])
    assert.deepEqual(providerWeights(list, 3n)[0], { account: ALICE, weight: 90n })
    assert.deepEqual(allocateProviders(20n, list), [
      { account: ALICE, amount: 15n },
      { account: BOB, amount: 5n },
    ])
  })

  it('gives a provider no more than its work nor than its stake allows, however large the pool', () => {
    fc.assert(
      fc.property(amounts, works, fc.bigInt(1n, 5n), (pool, list, multiple) => {
        const given = allocateProviders(pool, list, multiple)
        assert.ok(sum(given) <= pool)
        for (const { account: payee, amount } of given) {
          const work = list.find(one => one.account === payee)!
          assert.ok(work.active)
          assert.ok(amount <= work.settled)
          assert.ok(amount <= work.stake * multiple)
        }
      }),
    )
  })

  it('gives nothing more for work beyond what the stake allows: paying oneself in a circle ends there', () => {
    fc.assert(
      fc.property(amounts, works, amounts, amounts, (pool, list, stake, washed) => {
        const others = list.filter(one => one.account !== ALICE)
        const given = (settled: bigint) =>
          allocateProviders(pool, [...others, { account: ALICE, settled, stake, active: true }])
        assert.deepEqual(given(stake + washed), given(stake))
      }),
    )
  })

  it('adds up the rounds of learners', () => {
    const rounds = [
      { round: '1', learners: [{ account: ALICE, weight: 1n }] },
      {
        round: '2',
        learners: [
          { account: ALICE, weight: 1n },
          { account: BOB, weight: 2n },
        ],
      },
    ]
    assert.deepEqual(allocate(10n, learnerWeights(rounds)), [
      { account: ALICE, amount: 5n },
      { account: BOB, amount: 5n },
    ])
  })
})

describe('emission: distribution', () => {
  const allocations = [
    { account: ALICE, amount: 5n },
    { account: BOB, amount: 7n },
    { account: CAROL, amount: 1n },
  ]
  const made = (list: readonly Allocation[], epoch = 3n): Distribution =>
    distributionOf(epoch, 'learners', list)!

  it('is a tree with a proof for each, its total, and the hash of what is published', () => {
    const { root, total, json, contentHash } = made(allocations)
    assert.equal(total, 13n)
    assert.equal(contentHash, `0x${createHash('sha256').update(json).digest('hex')}`)
    const loaded = StandardMerkleTree.load<string[]>(JSON.parse(json))
    loaded.validate()
    assert.equal(loaded.root, root)
    for (const { account: claimant, amount } of allocations) {
      const leaf = ['3', '1', claimant, String(amount)]
      const proof = proofOf(made(allocations), claimant)!
      assert.ok(StandardMerkleTree.verify(root, ['uint256', 'uint8', 'address', 'uint256'], leaf, proof))
    }
    assert.equal(proofOf(made(allocations), account(1)), null)
  })

  it('is the same in any order, and another for another epoch, pool or amount', () => {
    assert.deepEqual(made(allocations.toReversed()), made(allocations))
    const { root } = made(allocations)
    assert.notEqual(made(allocations, 4n).root, root)
    assert.notEqual(distributionOf(3n, 'providers', allocations)!.root, root)
    assert.notEqual(made([...allocations.slice(1), { account: ALICE, amount: 6n }]).root, root)
  })

  it('is none for nobody', () => {
    assert.equal(distributionOf(3n, 'learners', []), null)
  })

  it('says what differs from a proposal', () => {
    const own = made(allocations)
    assert.deepEqual(differences(own, own), [])
    assert.deepEqual(differences({ root: `0x${own.root.slice(2).toUpperCase()}`, total: 13n }, own), [])
    assert.deepEqual(differences({ root: own.root, total: 12n }, own), ['total'])
    assert.deepEqual(differences({ root: made(allocations, 4n).root, total: 13n }, own), ['root'])
    assert.deepEqual(differences(own, null), ['root', 'total'])
  })
})
