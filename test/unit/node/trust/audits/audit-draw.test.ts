import assert from 'node:assert/strict'
import { AuditDraw } from '../../../../../node/trust/audits/audit-draw.ts'
import { cidOf } from '../../../../../protocol/codec.ts'
import { seedOf } from '../../../../helpers/samples.ts'

const receipts = Array.from({ length: 2_000 }, (_, i) => cidOf(Uint8Array.of(i >> 8, i & 255)).toString())

describe('the draw of audits', () => {
  it('is the same for a receipt each time, and another for another secret', () => {
    const [draw, again, other] = [
      new AuditDraw(seedOf(1)),
      new AuditDraw(seedOf(1)),
      new AuditDraw(seedOf(2)),
    ]
    const [receipt] = receipts
    assert.equal(draw.of(receipt!), again.of(receipt!))
    assert.notEqual(draw.of(receipt!), other.of(receipt!))
  })

  it('takes about the share it is to take, all at 1 and none at 0', () => {
    const draw = new AuditDraw(seedOf(1))
    const drawn = (share: number) => receipts.filter(receipt => draw.isDrawn(receipt, share)).length
    assert.deepEqual([drawn(0), drawn(1)], [0, receipts.length])
    // Four standard deviations of 2,000 draws at 0.3.
    assert.ok(Math.abs(drawn(0.3) - 600) < 82, String(drawn(0.3)))
  })
})
