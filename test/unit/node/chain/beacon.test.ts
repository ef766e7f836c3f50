import assert from 'node:assert/strict'
import fc from 'fast-check'
import { BlockBeacon } from '../../../../node/chain/beacon.ts'

/** A chain whose blocks came so many seconds after one another, the first one at its beginning. */
function chainOf(gaps: readonly number[]) {
  let timeMs = 1_700_000_000_000
  const blocks = gaps.map((seconds, number) => {
    timeMs += seconds * 1_000
    return { number, hash: `0x${number.toString(16).padStart(64, '0')}`, timeMs }
  })
  let asked = 0
  const client = {
    blockNumber: async () => blocks.length - 1,
    block: async (number: number) => {
      asked++
      return blocks[number] ?? null
    },
  }
  return { blocks, client, asked: () => asked }
}

describe('blocks as a beacon', () => {
  it('give the first one later than a time that has its confirmations, or none', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 40 }),
        fc.nat({ max: 130 }),
        fc.integer({ min: 1, max: 4 }),
        async (gaps, seconds, confirmations) => {
          const { blocks, client } = chainOf(gaps)
          const timeMs = 1_700_000_000_000 + (seconds - 5) * 1_000
          const settled = blocks.slice(0, Math.max(0, blocks.length - confirmations + 1))
          const expected = settled.find(block => block.timeMs > timeMs) ?? null
          const beacon = new BlockBeacon({ confirmations }, { client })
          assert.deepEqual(await beacon.after(timeMs), expected)
        },
      ),
      { numRuns: 200 },
    )
  })

  it('are found by few questions, and only counted ones by their number', async () => {
    const { client, asked, blocks } = chainOf(Array.from({ length: 100_000 }, () => 1))
    const beacon = new BlockBeacon({ confirmations: 3 }, { client })
    assert.equal((await beacon.after(blocks[10]!.timeMs))?.number, 11)
    assert.ok(asked() < 40, String(asked()))
    assert.equal((await beacon.at(99_997))?.number, 99_997)
    assert.equal(await beacon.at(99_998), null)
  })
})
