import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Assessment } from '../../../../inference/audit/assessment.ts'
import { ABSENT, CATEGORIES, CELLS, cellOf, stratumOf, WON } from '../../../../inference/audit/cells.ts'
import { SequentialTest, sequentialTestStateSchema } from '../../../../inference/audit/sequential-test.ts'
import { isShoalError } from '../../../../protocol/errors.ts'
import { SyntheticWorld } from '../../../helpers/synthetic-outputs.ts'

const CALIBRATION = new SyntheticWorld(1).calibration()

/** A receipt of given counts, as if scored. */
function receiptOf(cells: readonly number[]): Assessment {
  const tokens = cells.reduce((sum, count) => sum + count, 0)
  return {
    version: 1,
    sampler: 'gumbel-64/1',
    tokens,
    cells,
    matchRate: 1,
    meanMargin: 0,
    outsideRate: 0,
    meanLogProb: 0,
    stop: 'right',
    prompt: 'right',
    text: 'right',
  }
}

/** Receipts without filters and with known gaps, where the calibration knows what is honest. */
const receipt: fc.Arbitrary<Assessment> = fc
  .array(fc.tuple(fc.constantFrom(0.01, 0.05, 0.2, 0.5, 5), fc.nat(CATEGORIES - 1), fc.nat(60)), {
    minLength: 1,
    maxLength: 8,
  })
  .map(parts => {
    const cells = new Array<number>(CELLS).fill(0)
    for (const [gap, category, tokens] of parts) cells[cellOf(stratumOf(gap, false), category)]! += tokens
    return receiptOf(cells)
  })

/** Nothing but wins: what an honest provider shows mostly. */
const spotless: fc.Arbitrary<Assessment> = fc.nat(200).map(tokens => {
  const cells = new Array<number>(CELLS).fill(0)
  cells[cellOf(stratumOf(5, false), WON)] = tokens
  return receiptOf(cells)
})

function testOf(receipts: readonly Assessment[], options = {}): SequentialTest {
  const test = new SequentialTest(options)
  for (const [index, piece] of receipts.entries()) test.add(piece, CALIBRATION, index)
  return test
}

describe('sequential test', () => {
  it('counts a token that lost at least as much against a provider as one that won', () => {
    fc.assert(
      fc.property(fc.array(receipt, { maxLength: 12 }), fc.nat(), fc.nat(), (receipts, which, cell) => {
        fc.pre(receipts.length > 0)
        const index = which % receipts.length
        const cells = [...receipts[index]!.cells]
        const won = cells.findIndex((count, at) => count > 0 && at % CATEGORIES === WON)
        fc.pre(won !== -1)
        cells[won]!--
        cells[won + 1 + (cell % (CATEGORIES - 1))]!++
        const worse = receipts.with(index, receiptOf(cells))
        assert.ok(testOf(worse).evidence.log >= testOf(receipts).evidence.log - 1e-9)
      }),
    )
  })

  it('never finds a provider cheating because of receipts without a fault', () => {
    fc.assert(
      fc.property(fc.array(receipt, { maxLength: 8 }), fc.array(spotless, { maxLength: 8 }), (some, good) => {
        const test = testOf(some)
        fc.pre(test.decision !== 'cheating')
        let before = test.evidence.log
        for (const piece of good) {
          assert.notEqual(test.add(piece, CALIBRATION, 100), 'cheating')
          assert.ok(test.evidence.log <= before + 1e-9)
          before = test.evidence.log
        }
      }),
    )
  })

  it('never decides on fewer tokens or receipts than it must have', () => {
    fc.assert(
      fc.property(
        fc.array(receipt, { minLength: 1, maxLength: 12 }),
        fc.nat(2_000),
        fc.nat(10),
        (receipts, minTokens, minReceipts) => {
          const test = testOf(receipts, { minTokens, minReceipts })
          const { decision, tokens, receipts: taken } = test.state
          assert.ok(decision === 'undecided' || (tokens >= minTokens && taken >= minReceipts))
        },
      ),
    )
  })

  it('takes several receipts to find a provider cheating, whatever the first says', () => {
    const cells = new Array<number>(CELLS).fill(0)
    cells[cellOf(stratumOf(5, false), ABSENT)] = 4_000
    const worst = receiptOf(cells)
    assert.equal(testOf([worst, worst, worst]).decision, 'undecided')
    assert.equal(testOf([worst, worst, worst, worst, worst]).decision, 'cheating')
  })

  it('goes on from its state as if it had never stopped', () => {
    fc.assert(
      fc.property(fc.array(receipt, { maxLength: 8 }), fc.array(receipt, { maxLength: 8 }), (first, then) => {
        const whole = testOf([...first, ...then])
        const stored = JSON.parse(JSON.stringify(testOf(first).state)) as unknown
        const restored = new SequentialTest({}, sequentialTestStateSchema.parse(stored))
        for (const [index, piece] of then.entries()) restored.add(piece, CALIBRATION, first.length + index)
        assert.deepEqual(restored.state, whole.state)
      }),
    )
  })

  it('holds its false alarms over honest providers whose prompts differ', () => {
    const world = new SyntheticWorld(2)
    const falseAlarm = 0.05
    const providers = 200
    let accused = 0
    let trusted = 0
    for (let provider = 0; provider < providers; provider++) {
      const test = new SequentialTest({ falseAlarm })
      for (let index = 0; index < 80; index++) {
        if (test.add(world.assessment({ tokens: 60 }), CALIBRATION, index) === 'cheating') break
      }
      if (test.decision === 'cheating') accused++
      if (test.decision === 'honest') trusted++
    }
    assert.ok(accused <= falseAlarm * providers, `${accused} of ${providers} were accused`)
    assert.ok(trusted > 0.9 * providers, `only ${trusted} were found honest`)
  })

  it('does not take prompts with many near ties for cheating', () => {
    const world = new SyntheticWorld(3)
    for (let provider = 0; provider < 40; provider++) {
      const test = new SequentialTest({ falseAlarm: 0.05 })
      for (let index = 0; index < 40; index++)
        test.add(world.assessment({ tokens: 60, nearTies: 0.9 }), CALIBRATION, index)
      assert.notEqual(test.decision, 'cheating')
    }
  })

  it('finds cheats of all strengths', () => {
    const world = new SyntheticWorld(4)
    for (const [disturbance, receipts] of [
      [0.15, 150],
      [0.3, 40],
      [1, 12],
      [3, 8],
    ] as const) {
      for (let provider = 0; provider < 10; provider++) {
        const test = new SequentialTest()
        for (let index = 0; index < receipts && test.decision !== 'cheating'; index++)
          test.add(world.assessment({ tokens: 100, disturbance }), CALIBRATION, index)
        assert.equal(test.decision, 'cheating', `disturbance ${disturbance}`)
      }
    }
  })

  it('finds who cheats at a tenth of the receipts, and who begins late', () => {
    const world = new SyntheticWorld(5)
    const rare = new SequentialTest()
    for (let index = 0; index < 200; index++)
      rare.add(world.assessment({ tokens: 100, disturbance: index % 10 === 0 ? 1 : 0 }), CALIBRATION, index)
    assert.equal(rare.decision, 'cheating')
    const late = new SequentialTest()
    for (let index = 0; index < 300; index++) late.add(world.assessment({ tokens: 100 }), CALIBRATION, index)
    assert.equal(late.decision, 'honest')
    for (let index = 0; index < 12; index++)
      late.add(world.assessment({ tokens: 100, disturbance: 1 }), CALIBRATION, 300 + index)
    assert.equal(late.decision, 'cheating')
    assert.ok(late.state.decidedAtMs! >= 300)
  })

  it('shares its false alarms with the tests that come after it', () => {
    const test = new SequentialTest({ falseAlarm: 0.01 })
    let spent = Math.exp(-test.evidence.threshold)
    for (let renewal = 0; renewal < 10; renewal++) {
      test.renew()
      spent += Math.exp(-test.evidence.threshold)
      assert.equal(test.decision, 'undecided')
    }
    assert.ok(spent <= 0.01)
  })

  it('refuses counts of another version or sampler', () => {
    const test = new SequentialTest()
    const other = { ...CALIBRATION, version: 2 as 1 }
    assert.throws(
      () => test.add(receiptOf(new Array(CELLS).fill(0)), other, 0),
      error => isShoalError(error, 'VERSION_MISMATCH'),
    )
    const engine = { ...receiptOf(new Array(CELLS).fill(0)), sampler: 'engine' as const }
    assert.throws(
      () => test.add(engine, CALIBRATION, 0),
      error => isShoalError(error, 'MISMATCH'),
    )
  })
})
