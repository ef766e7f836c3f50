import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { VERSION } from '../../../node/version.ts'

describe('VERSION', () => {
  it('is that of the package', () => {
    const manifest = new URL('../../../package.json', import.meta.url)
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
    assert.equal(VERSION, version)
  })
})
