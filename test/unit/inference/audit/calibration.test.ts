import assert from 'node:assert/strict'
import fc from 'fast-check'
import { calibrate, mergeCalibrations } from '../../../../inference/audit/calibration.ts'
import { CATEGORIES, GROUPS, groupCell, STRATA, WON } from '../../../../inference/audit/cells.ts'
import { logRatios } from '../../../../inference/audit/deviations.ts'
import {
  incompleteBeta,
  normalTail,
  proportionUpperBound,
} from '../../../../inference/audit/distributions.ts'
import { countPrompt, fitMessage, MIN_PROMPTS } from '../../../../inference/audit/measurement.ts'
import { judgeReceipt } from '../../../../inference/audit/single-receipt.ts'
import { encodeMessage } from '../../../../protocol/codec.ts'
import { isShoalError } from '../../../../protocol/errors.ts'
import { type CalibrationMeasurement, calibrationMessage } from '../../../../protocol/messages/calibration.ts'
import { SyntheticWorld } from '../../../helpers/synthetic-outputs.ts'

const OPTIONS = { tokens: 150 }
const MEASUREMENT = new SyntheticWorld(1).measurement(100, OPTIONS)
const CALIBRATION = calibrate(MEASUREMENT)

describe('calibration', () => {
  it('bounds the rates of what is no win from above, and leaves wins the rest', () => {
    for (let stratum = 0; stratum < STRATA; stratum++) {
      const bounds = GROUPS.map((_, group) => CALIBRATION.upper[groupCell(stratum, group)]!)
      assert.ok(bounds.every(bound => bound >= 0 && bound <= 1))
      assert.ok(bounds[0] === 0 || Math.abs(bounds.reduce((sum, bound) => sum + bound, 0) - 1) < 1e-12)
    }
  })

  it('covers the truth, which many times as many tokens tell', () => {
    const truth = calibrate(new SyntheticWorld(9).measurement(400, { tokens: 1_000 }))
    let misses = 0
    for (let seed = 20; seed < 30; seed++) {
      const { upper } = calibrate(new SyntheticWorld(seed).measurement(80, OPTIONS))
      for (let stratum = 0; stratum < STRATA / 2; stratum++) {
        const rate = [1, 2].map(group => {
          const [from, to] = group === 1 ? [1, 4] : [4, CATEGORIES]
          return truth.rates
            .slice(stratum * CATEGORIES + from, stratum * CATEGORIES + to)
            .reduce((a, b) => a + b, 0)
        })
        if ([1, 2].some(group => rate[group - 1]! > upper[groupCell(stratum, group)]! + 1e-4)) misses++
      }
    }
    assert.ok(misses <= 1, `${misses} bounds in 10 calibrations were below the truth`)
  })

  it('is tighter with more samples, and wider where prompts differ more', () => {
    const bound = (prompts: number, spread: number) =>
      calibrate(new SyntheticWorld(2).measurement(prompts, { tokens: 150, spread })).upper[groupCell(4, 2)]!
    assert.ok(bound(400, 0.2) < bound(100, 0.2))
    const correlations = (spread: number) =>
      calibrate(new SyntheticWorld(3).measurement(200, { tokens: 300, spread })).correlations
    assert.ok(Math.max(...correlations(1)) > Math.max(...correlations(0)))
  })

  it('gives the same for the same counts', () => {
    assert.deepEqual(
      calibrate(JSON.parse(JSON.stringify(MEASUREMENT)) as CalibrationMeasurement),
      CALIBRATION,
    )
  })

  it('refuses too few samples and absurd numbers', () => {
    const refusal = (
      measurement: CalibrationMeasurement,
      code: 'TOO_FEW_SAMPLES' | 'ABSURD' | 'VERSION_MISMATCH',
    ) =>
      assert.throws(
        () => calibrate(measurement),
        error => isShoalError(error, code),
      )
    refusal({ ...MEASUREMENT, statistic: 2 }, 'VERSION_MISMATCH')
    const nowhere = { receipts: 1, cells: [[200, 1]] as [number, number][] }
    refusal({ ...MEASUREMENT, prompts: [...MEASUREMENT.prompts, nowhere] }, 'ABSURD')
    refusal({ ...MEASUREMENT, prompts: MEASUREMENT.prompts.slice(0, MIN_PROMPTS - 1) }, 'TOO_FEW_SAMPLES')
    refusal(new SyntheticWorld(1).measurement(100, { tokens: 20 }), 'TOO_FEW_SAMPLES')
    refusal(new SyntheticWorld(1).measurement(100, { tokens: 150, disturbance: 3 }), 'ABSURD')
    const world = new SyntheticWorld(1)
    const framed = world.measurement(1, { tokens: 200, disturbance: 5 }).prompts
    refusal({ ...MEASUREMENT, prompts: [...MEASUREMENT.prompts, ...framed] }, 'ABSURD')
  })

  it('refuses what is no measurement', () => {
    assert.ok(calibrationMessage.schema.safeParse(MEASUREMENT).success)
    const [first] = MEASUREMENT.prompts
    for (const wrong of [
      { version: 2 },
      { prompts: [] },
      {
        prompts: [
          {
            ...first,
            cells: [
              [5, 1],
              [4, 1],
            ],
          },
        ],
      },
      { prompts: [{ ...first, cells: [[4, 1.5]] }] },
      { prompts: [{ ...first, cells: [[100_000, 1]] }] },
      { key: { ...MEASUREMENT.key, providerBackend: 'tpu' } },
    ]) {
      assert.ok(!calibrationMessage.schema.safeParse({ ...MEASUREMENT, ...wrong }).success)
    }
  })

  it('pools the receipts of a prompt', () => {
    const world = new SyntheticWorld(4)
    const receipts = [world.assessment(OPTIONS), world.assessment(OPTIONS)]
    const counts = countPrompt(receipts)
    assert.equal(counts.receipts, 2)
    assert.equal(
      counts.cells.reduce((sum, [, tokens]) => sum + tokens, 0),
      300,
    )
    assert.equal(counts.cells.filter(([cell]) => cell % CATEGORIES === WON).length > 0, true)
  })

  it('pools prompts until they fit into a message, and loses no token', () => {
    const world = new SyntheticWorld(6)
    const many = Array.from({ length: 600 }, () => countPrompt([world.assessment({ tokens: 30 })]))
    const fitting = fitMessage(many)
    const tokens = (prompts: typeof many) =>
      prompts.reduce((sum, { cells }) => sum + cells.reduce((all, [, count]) => all + count, 0), 0)
    assert.ok(fitting.length <= 512 && fitting.length >= 150)
    assert.equal(tokens(fitting), tokens(many))
    assert.ok(encodeMessage(calibrationMessage, { ...MEASUREMENT, prompts: fitting }).length > 0)
    assert.deepEqual(fitMessage(fitting), fitting)
  })

  it('lets no minority of operators move what is honest', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (liars, bound) => {
          const honest = Array.from({ length: liars + 1 }, () => CALIBRATION)
          const lie = {
            ...CALIBRATION,
            upper: CALIBRATION.upper.map(() => bound),
            correlations: [1, 1, 1, 1],
          }
          const merged = mergeCalibrations([...Array.from({ length: liars }, () => lie), ...honest])
          assert.deepEqual(merged.upper.map(rounded), CALIBRATION.upper.map(rounded))
          assert.deepEqual(merged.correlations, CALIBRATION.correlations)
          assert.equal(merged.operators, 2 * liars + 1)
        },
      ),
      { numRuns: 20 },
    )
  })

  it('does not put different keys together', () => {
    const other = { ...CALIBRATION, key: { ...CALIBRATION.key, providerBackend: 'cuda' as const } }
    assert.throws(
      () => mergeCalibrations([CALIBRATION, other]),
      error => isShoalError(error, 'MISMATCH'),
    )
  })
})

describe('likelihood ratios', () => {
  it('are expected to say nothing against any honest provider within the bounds', () => {
    const tables = (['gumbel-64/1', 'engine'] as const).map(sampler => logRatios(CALIBRATION.upper, sampler))
    fc.assert(
      fc.property(
        fc.nat(STRATA - 1),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 3, maxLength: 3 }),
        (stratum, shares) => {
          const rates = shares.map(
            (share, index) => share * CALIBRATION.upper[groupCell(stratum, index + 1)]!,
          )
          const won = 1 - rates.reduce((sum, rate) => sum + rate, 0)
          for (const ratios of tables.flat()) {
            const expected = [won, ...rates].reduce(
              (sum, rate, group) => sum + rate * Math.exp(ratios[groupCell(stratum, group)]!),
              0,
            )
            assert.ok(won < 0 || expected <= 1 + 1e-9, `expected ${expected} in stratum ${stratum}`)
            assert.ok(ratios[groupCell(stratum, 0)]! <= 0)
            assert.ok([1, 2, 3].every(group => ratios[groupCell(stratum, group)]! >= 0))
          }
        },
      ),
    )
  })
})

describe('verdict on one receipt', () => {
  const world = new SyntheticWorld(5)

  it('finds honest receipts explicable, however often one looks', () => {
    for (let index = 0; index < 2_000; index++) {
      const verdict = judgeReceipt(world.assessment({ tokens: 80 }), CALIBRATION, { audits: 2_000 })
      assert.ok(!verdict.isInexplicable, `p ${verdict.pValue}`)
    }
  })

  it('finds the output of another model inexplicable', () => {
    const verdict = judgeReceipt(world.assessment({ tokens: 256, disturbance: 6 }), CALIBRATION)
    assert.ok(verdict.isInexplicable)
    assert.deepEqual(verdict.contradictions, [])
  })

  it('needs no calibration for a contradiction, and has no other verdict without one', () => {
    const wild = world.assessment({ tokens: 256, disturbance: 6 })
    assert.deepEqual(judgeReceipt(wild, null), { isInexplicable: false, contradictions: [], pValue: 1 })
    const verdict = judgeReceipt({ ...wild, prompt: 'wrong', stop: 'wrong' }, null)
    assert.ok(verdict.isInexplicable)
    assert.deepEqual(verdict.contradictions, ['stop', 'prompt'])
  })

  it('judges no handful of tokens', () => {
    const verdict = judgeReceipt(world.assessment({ tokens: 15, disturbance: 50 }), CALIBRATION, {
      audits: 1,
    })
    assert.ok(!verdict.isInexplicable)
  })
})

describe('distributions', () => {
  it('agree with tables', () => {
    for (const [x, tail] of [
      [0, 0.5],
      [1, 0.158_655_254],
      [1.959_964, 0.025],
      [3.5, 2.326_291e-4],
      [6, 9.865_876e-10],
      [-1, 0.841_344_746],
    ] as const) {
      assert.ok(Math.abs(normalTail(x) / tail - 1) < 1e-6, `normalTail(${x})`)
    }
    assert.ok(Math.abs(incompleteBeta(0.5, 2, 3) - 0.6875) < 1e-12)
    assert.ok(Math.abs(incompleteBeta(0.1, 0.5, 20) - 0.957_998) < 1e-3)
    // No hits in n: 1 − error^(1/n). Five of ten at 97.5 %: 0.8129 (Clopper and Pearson 1934).
    assert.ok(Math.abs(proportionUpperBound(0, 100, 0.05) - (1 - 0.05 ** 0.01)) < 1e-9)
    assert.ok(Math.abs(proportionUpperBound(5, 10, 0.025) - 0.8129) < 1e-4)
    assert.equal(proportionUpperBound(0, 0, 0.05), 1)
  })

  it('bound a proportion from above', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 50, noNaN: true }),
        fc.double({ min: 51, max: 1e6, noNaN: true }),
        fc.double({ min: 1e-6, max: 0.4, noNaN: true }),
        (hits, size, error) => {
          const bound = proportionUpperBound(hits, size, error)
          assert.ok(bound > hits / size && bound <= 1)
          assert.ok(Math.abs(1 - incompleteBeta(bound, hits + 1, size - hits) - error) < 1e-6)
        },
      ),
    )
  })
})

function rounded(value: number): number {
  return Math.round(value * 1e9) / 1e9
}
