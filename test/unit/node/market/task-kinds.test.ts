import assert from 'node:assert/strict'
import type { LoadedModel } from '../../../../inference/engine.ts'
import { taskKindsOf } from '../../../../node/market/task-kinds.ts'
import { MAX_EMBEDDING_DIMENSIONS } from '../../../../protocol/limits.ts'

const kinds = (model: Partial<LoadedModel>) =>
  taskKindsOf({ chatTemplateDigest: null, embeddingLength: 64, ...model } as LoadedModel)

describe('kinds of task a model takes', () => {
  it('follow from its file', () => {
    assert.deepEqual(kinds({}), ['completion', 'embedding'])
    assert.deepEqual(kinds({ chatTemplateDigest: 'sha256:ab' }), ['chat', 'completion', 'embedding'])
    assert.deepEqual(kinds({ chatTemplateDigest: 'sha256:ab', isForEmbedding: true }), ['embedding'])
    assert.deepEqual(kinds({ embeddingLength: 0 }), ['completion'])
    assert.deepEqual(kinds({ embeddingLength: MAX_EMBEDDING_DIMENSIONS + 1 }), ['completion'])
  })
})
