import assert from 'node:assert/strict'
import * as dagCbor from '@ipld/dag-cbor'
import fc from 'fast-check'
import {
  decodeCanonical,
  decodeMessage,
  encodeMessage,
  ProtocolError,
  sameBytes,
  utf8Length,
} from '../../../protocol/codec.ts'
import { MAX_CBOR_DEPTH } from '../../../protocol/limits.ts'
import { auditEventMessage } from '../../../protocol/messages/audit-event.ts'
import { messages } from '../../../protocol/messages/index.ts'
import { checkOfferTimes, offerMessage } from '../../../protocol/messages/offer.ts'
import { requesterFrameMessage } from '../../../protocol/messages/requester-frame.ts'
import { createRecord, openRecord, openRecordOf } from '../../../protocol/signed.ts'
import {
  sampleOffer,
  sampleOfferRecord,
  sampleRequest,
  sampleSigner,
  samples,
} from '../../helpers/samples.ts'

/** The decoder's promise to its caller: a value or a ProtocolError, nothing else. */
function decodesOrRefuses(decode: () => unknown): 'decoded' | 'refused' {
  try {
    decode()
    return 'decoded'
  } catch (error) {
    assert.ok(error instanceof ProtocolError, `expected a ProtocolError, got ${String(error)}`)
    return 'refused'
  }
}

const code = (expected: string) => (error: unknown) => {
  assert.ok(error instanceof ProtocolError)
  assert.equal(error.code, expected)
  return true
}

describe('protocol codec', () => {
  it('round-trips every message', () => {
    for (const { definition, value } of samples) {
      assert.deepEqual(decodeMessage(definition, encodeMessage(definition, value)), value)
    }
  })

  it('has a sample for every message', () => {
    const sampled = new Set(samples.map(sample => sample.definition.type))
    assert.deepEqual(
      messages.filter(message => !sampled.has(message.type)),
      [],
    )
  })

  it('answers any bytes with a value or a ProtocolError', () => {
    fc.assert(
      fc.property(fc.nat(messages.length - 1), fc.uint8Array({ maxLength: 512 }), (message, bytes) => {
        decodesOrRefuses(() => decodeMessage(messages[message]!, bytes))
      }),
      { numRuns: 2_000 },
    )
  })

  it('answers mutated real messages with a value or a ProtocolError, and never with two encodings of one value', () => {
    const mutation = fc.record({
      sample: fc.nat(samples.length - 1),
      edits: fc.array(
        fc.record({
          at: fc.nat(),
          byte: fc.nat(255),
          kind: fc.constantFrom('set', 'insert', 'delete', 'truncate'),
        }),
        { minLength: 1, maxLength: 4 },
      ),
    })
    fc.assert(
      fc.property(mutation, ({ sample, edits }) => {
        const { definition, value } = samples[sample]!
        let bytes = [...encodeMessage(definition, value)]
        for (const { at, byte, kind } of edits) {
          const index = at % (bytes.length + 1)
          if (kind === 'truncate') bytes = bytes.slice(0, index)
          else bytes.splice(index, kind === 'insert' ? 0 : 1, ...(kind === 'delete' ? [] : [byte]))
        }
        const mutated = Uint8Array.from(bytes)
        if (decodesOrRefuses(() => decodeMessage(definition, mutated)) === 'decoded') {
          assert.ok(sameBytes(encodeMessage(definition, decodeMessage(definition, mutated)), mutated))
        }
        decodesOrRefuses(() => openRecord(definition, mutated))
      }),
      { numRuns: 3_000 },
    )
  })

  it('answers structurally valid CBOR of any shape with a value or a ProtocolError', () => {
    const shape = fc.object({
      maxDepth: 4,
      values: [fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.uint8Array()],
    })
    fc.assert(
      fc.property(fc.nat(messages.length - 1), shape, (message, value) => {
        decodesOrRefuses(() => decodeMessage(messages[message]!, dagCbor.encode(value)))
      }),
      { numRuns: 500 },
    )
  })

  it('checks the length before anything else', () => {
    for (const definition of messages) {
      assert.throws(
        () => decodeMessage(definition, new Uint8Array(definition.maxBytes + 1)),
        code('TOO_LARGE'),
      )
    }
  })

  it('refuses encodings that are not the canonical one', () => {
    const cases: Record<string, string> = {
      'keys out of order': 'a2616201616102',
      'half float': 'f93c00',
      'float that is an integer': 'fb3ff0000000000000',
      undefined: 'f7',
    }
    for (const [name, hex] of Object.entries(cases)) {
      assert.throws(() => decodeCanonical(Buffer.from(hex, 'hex')), code('NOT_CANONICAL'), name)
    }
    for (const hex of [
      '1801',
      '9f01ff',
      'a26161016161',
      'c249010000000000000000',
      'fb7ff8000000000000',
      '',
    ]) {
      assert.throws(() => decodeCanonical(Buffer.from(hex, 'hex')), code('NOT_CBOR'), hex)
    }
  })

  it('refuses deep nesting without recursing into it', () => {
    const nested = (depth: number) => Uint8Array.from([...Array<number>(depth).fill(0x81), 0x01])
    assert.doesNotThrow(() => decodeCanonical(nested(MAX_CBOR_DEPTH)))
    assert.throws(() => decodeCanonical(nested(MAX_CBOR_DEPTH + 1)), code('NOT_CBOR'))
    assert.throws(() => decodeCanonical(nested(1_000_000)), code('NOT_CBOR'))
    // Siblings do not nest: a long list of short lists is as deep as one of them.
    assert.doesNotThrow(() =>
      decodeCanonical(dagCbor.encode(Array.from({ length: 1000 }, () => [[1], { a: 'b' }]))),
    )
  })

  it('keeps numbers between zero and one in thousandths', () => {
    const request = { ...sampleRequest, sampling: { ...sampleRequest.sampling, temperature: 0.123 } }
    const decoded = decodeMessage(requesterFrameMessage, encodeMessage(requesterFrameMessage, request))
    assert.equal(decoded.kind === 'request' && decoded.sampling.temperature, 0.123)
  })

  it('refuses to encode what it would not decode', () => {
    assert.throws(
      () => encodeMessage(offerMessage, { ...sampleOffer, wallet: '0xAB' }),
      code('SCHEMA_MISMATCH'),
    )
    const nothing = { ...sampleOffer, models: [], entities: [] }
    assert.throws(() => encodeMessage(offerMessage, nothing), code('SCHEMA_MISMATCH'))
    for (const one of [{ models: [] }, { entities: [] }])
      encodeMessage(offerMessage, { ...sampleOffer, ...one })
    assert.throws(
      () => encodeMessage(offerMessage, { ...sampleOffer, extra: 1 } as never),
      code('SCHEMA_MISMATCH'),
    )
    const lone = { ...sampleRequest, stop: ['\ud800'] }
    assert.throws(() => encodeMessage(requesterFrameMessage, lone), code('SCHEMA_MISMATCH'))
  })

  it('counts UTF-8 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), text => utf8Length(text) === Buffer.byteLength(text)),
    )
  })
})

describe('signed records', () => {
  it('name their author and content', () => {
    const opened = openRecord(offerMessage, sampleOfferRecord.bytes)
    assert.deepEqual(opened, sampleOfferRecord)
    assert.equal(opened.signer, Buffer.from(sampleSigner.publicKey).toString('hex'))
  })

  it('refuse a change of any byte', () => {
    fc.assert(
      fc.property(
        fc.nat(sampleOfferRecord.bytes.length - 1),
        fc.integer({ min: 1, max: 255 }),
        (at, change) => {
          const bytes = sampleOfferRecord.bytes.slice()
          bytes[at]! ^= change
          assert.equal(
            decodesOrRefuses(() => openRecord(offerMessage, bytes)),
            'refused',
          )
        },
      ),
      { numRuns: 300 },
    )
  })

  it('of every kind answer any bytes, and any change of real ones, with a record or a ProtocolError', () => {
    const records = samples.map(({ definition, value }) => ({
      definition,
      bytes: createRecord({ ...definition, maxBytes: definition.maxBytes + 512 }, value, sampleSigner).bytes,
    }))
    const edit = fc.record({ at: fc.nat(), byte: fc.nat(255), kind: fc.constantFrom('set', 'insert', 'cut') })
    fc.assert(
      fc.property(
        fc.nat(records.length - 1),
        fc.oneof(fc.uint8Array({ maxLength: 512 }), fc.array(edit, { minLength: 1, maxLength: 3 })),
        (index, change) => {
          const { definition, bytes: real } = records[index]!
          let bytes = change instanceof Uint8Array ? [...change] : [...real]
          for (const { at, byte, kind } of change instanceof Uint8Array ? [] : change) {
            const where = at % (bytes.length + 1)
            if (kind === 'cut') bytes = bytes.slice(0, where)
            else bytes.splice(where, kind === 'insert' ? 0 : 1, byte)
          }
          const mutated = Uint8Array.from(bytes)
          const verdict = decodesOrRefuses(() => openRecord(definition, mutated))
          if (!sameBytes(mutated, real)) assert.equal(verdict, 'refused')
        },
      ),
      { numRuns: 1_000 },
    )
  })

  it('refuse another type and another author', () => {
    assert.throws(() => openRecord(auditEventMessage, sampleOfferRecord.bytes), code('WRONG_TYPE'))
    assert.throws(
      () => openRecordOf(offerMessage, sampleOfferRecord.bytes, '00'.repeat(32)),
      code('WRONG_SIGNER'),
    )
  })

  it('bind the type into the signature', () => {
    const other = { ...offerMessage, type: 'offer2' }
    const envelope = dagCbor.decode<Record<string, unknown>>(
      createRecord(offerMessage, sampleOffer, sampleSigner).bytes,
    )
    const relabelled = dagCbor.encode({ ...envelope, type: 'offer2' })
    assert.throws(() => openRecord(other, relabelled), code('BAD_SIGNATURE'))
  })
})

describe('offer times', () => {
  const { issuedAtMs, expiresAtMs } = sampleOffer
  it('hold between issue and expiry, with a minute for clocks that differ', () => {
    checkOfferTimes(sampleOffer, issuedAtMs)
    checkOfferTimes(sampleOffer, expiresAtMs - 1)
    checkOfferTimes(sampleOffer, issuedAtMs - 60_000)
    assert.throws(() => checkOfferTimes(sampleOffer, expiresAtMs), /expired/)
    assert.throws(() => checkOfferTimes(sampleOffer, issuedAtMs - 60_001), /future/)
    assert.throws(
      () => checkOfferTimes({ ...sampleOffer, expiresAtMs: issuedAtMs + 3_600_000 }, issuedAtMs),
      /longer/,
    )
  })
})
