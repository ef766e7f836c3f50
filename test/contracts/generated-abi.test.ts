import assert from 'node:assert/strict'
import { compilerWarnings, generateAbi, readGenerated } from '../../scripts/generate-abi.ts'

describe('node/chain/abi', () => {
  it('is what the contracts compile to; otherwise run `npm run generate`', async function () {
    this.timeout(240_000)
    const [committed, compiled] = [await readGenerated(), await generateAbi()]
    const stale = [...compiled].filter(([file, text]) => committed.get(file) !== text).map(([file]) => file)
    assert.deepEqual(stale, [])
    assert.deepEqual([...committed.keys()].sort(), [...compiled.keys()].sort())
  })

  it('comes of sources without a warning', async function () {
    this.timeout(240_000)
    assert.deepEqual(await compilerWarnings(), [])
  })
})
