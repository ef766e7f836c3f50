import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { GENERATED_PATH, generateAbi } from '../../scripts/generate-abi.ts'

describe('node/chain/abi/generated.ts', () => {
  it('is what the contracts compile to; otherwise run `npm run generate`', async function () {
    this.timeout(120_000)
    const [committed, compiled] = await Promise.all([readFile(GENERATED_PATH, 'utf8'), generateAbi()])
    assert.ok(committed === compiled, 'the committed file is stale')
  })
})
