import assert from 'node:assert/strict'
import { LogprobLedger } from '../../../../../node/gateway/inference/logprob-ledger.ts'

const token = (text: string | Uint8Array) => ({
  bytes: typeof text === 'string' ? Buffer.from(text) : text,
  logprob: -0.5,
  top: [],
})
const texts = (told: readonly { token: string }[]) => told.map(each => each.token)

describe('LogprobLedger', () => {
  it('tells each token with the text that it begins in', () => {
    const ledger = new LogprobLedger()
    ledger.add([token('It'), token(' is'), token(' so')])
    assert.deepEqual(texts(ledger.take('It i')), ['It', ' is'])
    ledger.add([token('.')])
    assert.deepEqual(texts(ledger.take('s so.')), [' so', '.'])
    assert.deepEqual(texts(ledger.told), ['It', ' is', ' so', '.'])
  })

  it('leaves out what is no text: ends of turns, and stop strings', () => {
    const ledger = new LogprobLedger()
    ledger.add([token('Yes'), token('STOP'), token('')])
    assert.deepEqual(texts(ledger.take('Yes')), ['Yes'])
    assert.deepEqual(texts(ledger.take('')), [])
    assert.equal(ledger.told.length, 1)
  })

  it('keeps the bytes of parts of characters', () => {
    const ledger = new LogprobLedger()
    const [first, second] = [Uint8Array.of(0xf0, 0x9f), Uint8Array.of(0x90, 0x9f)]
    ledger.add([token(first), token(second)])
    const told = ledger.take('🐟')
    assert.deepEqual(
      told.map(({ bytes }) => bytes),
      [[...first], [...second]],
    )
  })
})
