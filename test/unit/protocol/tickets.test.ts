import assert from 'node:assert/strict'
import { AbiCoder, keccak256, TypedDataEncoder, toBeHex } from 'ethers'
import fc from 'fast-check'
import {
  defaultFaceValueRoundedUp,
  gasCostRoundedUp,
  ticketCommitment,
  ticketValueRoundedDown,
  ticketWins,
  winThresholdForRoundedUp,
  winThresholdRoundedDown,
} from '../../../protocol/tickets.ts'
import {
  SETTLEMENT_DOMAIN_NAME,
  SETTLEMENT_DOMAIN_VERSION,
  settlementDomainSeparator,
  TICKET_TYPES,
  ticketDepositIdOf,
  ticketDigest,
} from '../../../protocol/typed-data.ts'

const DRAWS = 2n ** 256n
const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map(b => `0x${Buffer.from(b).toString('hex')}`)
const uint256 = fc.bigInt(0n, DRAWS - 1n)
const amount = fc.bigInt(1n, 2n ** 96n - 1n)
const domain = fc.record({ chainId: fc.integer({ min: 1, max: 2 ** 40 }), settlement: hex(20) })
const abi = AbiCoder.defaultAbiCoder()

describe('tickets', () => {
  it('are hashed as ethers does', () => {
    const ticket = fc.record({
      depositId: hex(32),
      payee: hex(20),
      faceValue: uint256,
      winThreshold: uint256,
      commitment: hex(32),
      nonce: uint256,
      expiresAt: uint256,
    })
    fc.assert(
      fc.property(domain, ticket, (at, value) => {
        const expected = TypedDataEncoder.hash(
          {
            name: SETTLEMENT_DOMAIN_NAME,
            version: SETTLEMENT_DOMAIN_VERSION,
            chainId: at.chainId,
            verifyingContract: at.settlement,
          },
          TICKET_TYPES,
          value,
        )
        assert.equal(ticketDigest(settlementDomainSeparator(at), value), expected)
      }),
    )
  })

  it('have deposits named as abi.encode does', () => {
    fc.assert(
      fc.property(domain, hex(20), hex(20), (at, payer, signer) => {
        const types = ['uint256', 'address', 'address', 'address']
        const encoded = abi.encode(types, [at.chainId, at.settlement, payer, signer])
        assert.equal(ticketDepositIdOf(at, payer, signer), keccak256(encoded))
      }),
    )
  })

  it('commit to the hash of a random', () => {
    fc.assert(
      fc.property(hex(32), random => {
        assert.equal(ticketCommitment(random), keccak256(abi.encode(['bytes32'], [random])))
      }),
    )
  })

  it('win below the threshold, and not at it', () => {
    fc.assert(
      fc.property(hex(32), hex(32), (digest, random) => {
        const draw = BigInt(keccak256(abi.encode(['bytes32', 'bytes32'], [digest, random])))
        assert.equal(ticketWins(digest, random, draw), false)
        assert.equal(ticketWins(digest, random, draw + 1n), true)
        assert.equal(ticketWins(digest, random, 0n), false)
      }),
    )
  })

  it('win as often as their threshold says', () => {
    const digest = toBeHex(0x5110a1n, 32)
    const tickets = 20_000
    for (const percent of [1n, 10n, 50n, 97n]) {
      const threshold = winThresholdRoundedDown({ numerator: percent, denominator: 100n })
      let wins = 0
      for (let i = 0; i < tickets; i++) {
        if (ticketWins(digest, keccak256(toBeHex(i, 32)), threshold)) wins++
      }
      // Bernstein: P(|wins - np| >= t) <= 2 exp(-t² / (2 (np(1 - p) + t/3))), which this t makes less than 1e-9.
      const p = Number(percent) / 100
      const logarithm = Math.log(2e9)
      const variance = tickets * p * (1 - p)
      const t = logarithm / 3 + Math.sqrt((logarithm / 3) ** 2 + 2 * logarithm * variance)
      assert.ok(Math.abs(wins - tickets * p) < t, `${wins} of ${tickets} won at ${percent} %`)
    }
  })

  it('are found at once by who knows both halves: so nonces are not to be guessed, nor randoms used twice', () => {
    const threshold = DRAWS >> 8n
    const digest = toBeHex(7, 32)
    const randoms = Array.from({ length: 1 << 12 }, (_, i) => toBeHex(i, 32))
    assert.ok(randoms.some(random => ticketWins(digest, random, threshold)))
  })

  describe('thresholds', () => {
    it('are exact: floor(p · 2^256)', () => {
      const probability = fc.tuple(amount, amount).filter(([a, b]) => a !== b)
      fc.assert(
        fc.property(probability, ([a, b]) => {
          const [numerator, denominator] = a < b ? [a, b] : [b, a]
          const threshold = winThresholdRoundedDown({ numerator, denominator })
          assert.ok(threshold * denominator <= numerator * DRAWS)
          assert.ok((threshold + 1n) * denominator > numerator * DRAWS)
        }),
      )
    })

    it('know halves, quarters and certainty', () => {
      assert.equal(winThresholdRoundedDown({ numerator: 1n, denominator: 2n }), 2n ** 255n)
      assert.equal(winThresholdRoundedDown({ numerator: 3n, denominator: 4n }), 3n * 2n ** 254n)
      assert.equal(winThresholdRoundedDown({ numerator: 5n, denominator: 5n }), DRAWS - 1n)
    })

    it('refuse what is no probability', () => {
      for (const [numerator, denominator] of [
        [0n, 1n],
        [-1n, 2n],
        [3n, 2n],
        [0n, 0n],
        [-2n, -1n],
      ] as const) {
        assert.throws(() => winThresholdRoundedDown({ numerator, denominator }), RangeError)
      }
    })

    it('make a ticket worth an amount, to the base unit', () => {
      fc.assert(
        fc.property(amount, amount, (a, b) => {
          const [value, faceValue] = a < b ? [a, b] : [b, a]
          const winThreshold = winThresholdForRoundedUp(value, faceValue)
          assert.ok(winThreshold < DRAWS)
          if (value < faceValue) {
            assert.equal(ticketValueRoundedDown({ faceValue, winThreshold }), value)
            assert.ok((winThreshold - 1n) * faceValue < value * DRAWS, 'the least such threshold')
          } else {
            assert.equal(winThreshold, DRAWS - 1n)
          }
        }),
      )
    })

    it('refuse amounts that one ticket cannot be worth', () => {
      for (const [value, faceValue] of [
        [0n, 1n],
        [-1n, 1n],
        [2n, 1n],
      ] as const) {
        assert.throws(() => winThresholdForRoundedUp(value, faceValue), RangeError)
      }
    })
  })

  describe('default face value', () => {
    it('is the smallest that keeps the overhead', () => {
      fc.assert(
        fc.property(amount, fc.bigInt(1n, 1_000n), fc.bigInt(0n, 1_000n), (cost, numerator, more) => {
          const denominator = numerator + more
          const faceValue = defaultFaceValueRoundedUp(cost, { numerator, denominator })
          assert.ok(cost * denominator <= numerator * faceValue)
          assert.ok(cost * denominator > numerator * (faceValue - 1n))
        }),
      )
      assert.equal(defaultFaceValueRoundedUp(3n, { numerator: 1n, denominator: 100n }), 300n)
    })

    it('refuses impossible overheads and costs', () => {
      assert.throws(() => defaultFaceValueRoundedUp(-1n, { numerator: 1n, denominator: 2n }), RangeError)
      assert.throws(() => defaultFaceValueRoundedUp(1n, { numerator: 0n, denominator: 2n }), RangeError)
      assert.throws(() => defaultFaceValueRoundedUp(1n, { numerator: 3n, denominator: 2n }), RangeError)
    })

    it('has gas priced in credits, rounded up once', () => {
      // 80,000 gas at 0.05 gwei, one coin being worth 2,500 credits: a hundredth of a credit.
      assert.equal(gasCostRoundedUp(80_000n, 50_000_000n, 2_500n * 10n ** 18n), 10n ** 16n)
      assert.equal(gasCostRoundedUp(1n, 1n, 1n), 1n)
      assert.equal(gasCostRoundedUp(0n, 1n, 1n), 0n)
      assert.throws(() => gasCostRoundedUp(-1n, 1n, 1n), RangeError)
      assert.throws(() => gasCostRoundedUp(1n, -1n, 1n), RangeError)
      assert.throws(() => gasCostRoundedUp(1n, 1n, -1n), RangeError)
    })
  })
})
