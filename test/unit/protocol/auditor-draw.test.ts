import assert from 'node:assert/strict'
import fc from 'fast-check'
import { auditJobOf, drawAuditors } from '../../../protocol/auditor-draw.ts'
import { seededRandom } from '../../helpers/seeded-random.ts'

const hex = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map(bytes => Buffer.from(bytes).toString('hex'))
const word = hex(32).map(text => `0x${text}`)

describe('the draw of auditors', () => {
  it('depends on who is eligible, and neither on their order nor on how often they are named', () => {
    fc.assert(
      fc.property(
        word,
        word,
        fc.uniqueArray(hex(32), { maxLength: 12 }),
        fc.nat(),
        (hash, job, nodes, seed) => {
          const random = seededRandom(seed)
          const shuffled = [...nodes, ...nodes].toSorted(() => random() - 0.5)
          const drawn = drawAuditors(hash, job, nodes)
          assert.deepEqual(drawAuditors(hash, job, shuffled), drawn)
          assert.deepEqual(drawn.toSorted(), nodes.toSorted())
        },
      ),
      { numRuns: 60 },
    )
  })

  it('ranks those who are left as before when somebody leaves', () => {
    fc.assert(
      fc.property(
        word,
        word,
        fc.uniqueArray(hex(32), { minLength: 1, maxLength: 12 }),
        (hash, job, nodes) => {
          const [gone, ...left] = nodes
          assert.deepEqual(
            drawAuditors(hash, job, left),
            drawAuditors(hash, job, nodes).filter(node => node !== gone),
          )
        },
      ),
      { numRuns: 60 },
    )
  })

  it('makes each as likely as any other, whichever the block and the receipt', () => {
    const random = seededRandom(7)
    const bytes = () =>
      `0x${Array.from({ length: 8 }, () =>
        Math.floor(random() * 2 ** 32)
          .toString(16)
          .padStart(8, '0'),
      ).join('')}`
    const nodes = Array.from({ length: 8 }, () => bytes().slice(2))
    const draws = 1_600
    const first = new Map(nodes.map(node => [node, 0]))
    const last = new Map(first)
    for (let index = 0; index < draws; index++) {
      const drawn = drawAuditors(bytes(), bytes(), nodes)
      first.set(drawn[0]!, first.get(drawn[0]!)! + 1)
      last.set(drawn[7]!, last.get(drawn[7]!)! + 1)
    }
    // Pearson's χ² with 7 degrees of freedom exceeds 24.3 once in a thousand times; the draws are the same on every run.
    for (const counts of [first, last]) {
      const expected = draws / 8
      const chi2 = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
      assert.ok(chi2 < 24.3, String(chi2))
    }
  })

  it('names each receipt otherwise, and refuses what is none', () => {
    assert.throws(() => auditJobOf('receipt'))
  })
})
