import assert from 'node:assert/strict'
import fc from 'fast-check'
import { DER, DerReader, derInteger, derOid } from '../../../../../node/trust/attestation/der.ts'
import { AttestationError } from '../../../../../node/trust/attestation/errors.ts'
import { element, integer, oid } from '../../../../helpers/attestation/der-writer.ts'

const bytes = (hex: string) => Buffer.from(hex, 'hex')
const isMalformed = (error: unknown) => error instanceof AttestationError && error.code === 'MALFORMED'

describe('the DER reader', () => {
  it('reads what was written', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.array(fc.nat(100_000), { maxLength: 8 }),
        fc.nat(70_000),
        (number, arcs, length) => {
          assert.equal(derInteger(new DerReader(integer(number)).read(DER.integer)), number)
          const dotted = ['1', '3', ...arcs].join('.')
          assert.equal(derOid(new DerReader(oid(dotted)).read(DER.oid)), dotted)
          if (length > 0xffff) return
          const reader = new DerReader(element(DER.octetString, Buffer.alloc(length)))
          assert.equal(reader.read(DER.octetString).length, length)
          reader.end()
        },
      ),
      { numRuns: 100 },
    )
  })

  it('refuses whatever is not in its one form', () => {
    const wrong = [
      '', // nothing
      '04', // no length
      '0402aa', // cut short
      '048101aa', // a length in more bytes than it needs
      '04820080', // the same
      '0480aa0000', // no length but an end
      '0485000000000100', // a length of five bytes
      '1f8101', // a tag of several bytes
      '0501', // not the tag that was asked for
    ]
    for (const hex of wrong)
      assert.throws(() => new DerReader(bytes(hex)).read(DER.octetString), isMalformed, hex)
    assert.throws(() => new DerReader(bytes('0500')).end(), isMalformed)
    for (const hex of ['', 'ff', '0001', '0100000000'])
      assert.throws(() => derInteger(bytes(hex)), isMalformed, hex)
    for (const hex of ['', '80', '2b80', '2b8001', '2bffffffffff7f'])
      assert.throws(() => derOid(bytes(hex)), isMalformed, hex)
  })

  it('ends in nothing but its error, whatever comes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), content => {
        const reader = new DerReader(content)
        for (const read of [() => reader.read(), () => derInteger(content), () => derOid(content)]) {
          try {
            read()
          } catch (error) {
            assert.ok(isMalformed(error), String(error))
          }
        }
      }),
      { numRuns: 200 },
    )
  })
})
