import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  INPUT,
  MS_PER_TOKEN,
  OUTPUT,
  QUALITY,
  RTT_MS,
  SPOT_INPUT,
  SPOT_OUTPUT,
  STRIDE,
  TTFT_MS,
  ZONE_INPUT,
  ZONE_MS_PER_TOKEN,
  ZONE_OUTPUT,
  ZONE_QUALITY,
  ZONE_ROWS,
  ZONE_RTT_MS,
  ZONE_SPOT_INPUT,
  ZONE_SPOT_OUTPUT,
  ZONE_STRIDE,
  ZONE_TTFT_MS,
} from '../../../../../node/market/routing/scan.ts'
import { ZoneMap } from '../../../../../node/market/routing/zone-map.ts'

const LEAST = [
  [INPUT, ZONE_INPUT],
  [OUTPUT, ZONE_OUTPUT],
  [SPOT_INPUT, ZONE_SPOT_INPUT],
  [SPOT_OUTPUT, ZONE_SPOT_OUTPUT],
  [TTFT_MS, ZONE_TTFT_MS],
  [MS_PER_TOKEN, ZONE_MS_PER_TOKEN],
  [RTT_MS, ZONE_RTT_MS],
] as const
const CAPACITY = 4 * ZONE_ROWS
const number = fc.oneof(fc.float({ min: 0, max: 1e6, noNaN: true }), fc.constant(Number.NaN))
const change = fc.record({
  row: fc.nat(CAPACITY - 1),
  values: fc.array(number, { minLength: STRIDE, maxLength: STRIDE }),
})

function filled(changes: readonly { row: number; values: number[] }[]) {
  const numbers = new Float32Array(CAPACITY * STRIDE).fill(Number.POSITIVE_INFINITY)
  for (let row = 0; row < CAPACITY; row++) numbers[row * STRIDE + QUALITY] = 0
  const map = new ZoneMap()
  map.resize(2 * ZONE_ROWS)
  map.resize(CAPACITY)
  for (const { row, values } of changes) {
    numbers.set(values, row * STRIDE)
    map.changed(row, numbers)
  }
  return { numbers, map }
}

/** The most favourable of a zone's own numbers. */
function exact(numbers: Float32Array, zone: number, column: number): number {
  let best = column === QUALITY ? 0 : Number.POSITIVE_INFINITY
  for (let row = zone * ZONE_ROWS; row < (zone + 1) * ZONE_ROWS; row++) {
    const value = numbers[row * STRIDE + column]!
    if (column === QUALITY ? value > best : value < best) best = value
  }
  return best
}

describe('a zone map', () => {
  it('is at least as favourable as each row', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 400 }), changes => {
        const { numbers, map } = filled(changes)
        for (let zone = 0; zone < CAPACITY / ZONE_ROWS; zone++) {
          const on = zone * ZONE_STRIDE
          for (const [column, place] of LEAST)
            assert.ok(map.best[on + place]! <= exact(numbers, zone, column))
          assert.ok(map.best[on + ZONE_QUALITY]! >= exact(numbers, zone, QUALITY))
        }
      }),
      { numRuns: 40 },
    )
  })

  it('forgets what was more favourable after as many changes as a zone has rows', () => {
    const row = (value: number) => ({ row: 3, values: new Array<number>(STRIDE).fill(value) })
    const { numbers, map } = filled([row(1), ...Array.from({ length: ZONE_ROWS }, () => row(9))])
    for (const [column, place] of LEAST) assert.equal(map.best[place], exact(numbers, 0, column))
    assert.equal(map.best[ZONE_INPUT], 9)
  })
})
