import assert from 'node:assert/strict'
import { TokenPieces } from '../../../../inference/llama/token-pieces.ts'

const never = () => assert.fail('the vocabulary tells it')

describe('TokenPieces', () => {
  it('reads byte-level BPE', () => {
    const pieces = new TokenPieces(
      {
        model: 'gpt2',
        tokens: ['\u0120hello', '\u010a', '\u00e2\u0124', '<|end|>', '<think>', '<|unused|>'],
        types: [1, 1, 1, 3, 4, 5],
      },
      never,
    )
    assert.equal(pieces.of(0), ' hello')
    assert.equal(pieces.of(1), '\n')
    assert.deepEqual(pieces.of(2), Uint8Array.of(0xe2, 0x82))
    assert.equal(pieces.of(3), '', 'a control token has no text')
    assert.equal(pieces.of(4), '<think>', 'a user-defined token stands for itself')
    assert.equal(pieces.of(5), '')
    assert.equal(pieces.size, 6)
  })

  it('reads SentencePiece with its byte tokens', () => {
    const pieces = new TokenPieces(
      {
        model: 'llama',
        tokens: ['<unk>', '<0xE2>', '<0x0A>', '\u2581the', 'a\u2581b'],
        types: [2, 6, 6, 1, 1],
      },
      never,
    )
    assert.equal(pieces.of(0), '')
    assert.deepEqual(pieces.of(1), Uint8Array.of(0xe2))
    assert.equal(pieces.of(2), '\n')
    assert.equal(pieces.of(3), ' the')
    assert.equal(pieces.of(4), 'a b')
  })

  it('asks the model where the vocabulary does not tell', () => {
    const pieces = new TokenPieces(
      { model: 'rwkv', tokens: ['x', 'y'], types: [1, 1] },
      token => `token ${token}`,
    )
    assert.equal(pieces.of(1), 'token 1')
  })

  it('takes a vocabulary without types as all normal', () => {
    assert.equal(new TokenPieces({ model: 'gpt2', tokens: ['a'], types: undefined }, never).of(0), 'a')
  })

  it('has nothing for an id outside the vocabulary', () => {
    assert.equal(new TokenPieces({ model: 'gpt2', tokens: ['a'], types: [1] }, never).of(7), '')
  })
})
