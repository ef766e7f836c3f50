import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  NO_ATTESTED_SOFTWARE,
  parseAttestedSoftware,
  readAttestedSoftware,
} from '../../../../../node/trust/attestation/software-list.ts'
import { TemporaryFolders } from '../../../../helpers/temporary.ts'

const HASH = 'a1'.repeat(48)
const pcrs = { pcr0: HASH, pcr1: HASH, pcr2: HASH }
const leastFirmware = { Milan: { bootloader: 4, tee: 0, snp: 22, microcode: 213 } }

describe('the file of attested software', () => {
  const folders = new TemporaryFolders()
  after(() => folders.remove())

  const read = async (text: string) => {
    const path = join(await folders.make(), 'attested.yaml')
    await writeFile(path, text)
    return readAttestedSoftware(path)
  }

  it('lists software and roots, in YAML or JSON', async () => {
    const list = await read(`
nitro:
  roots: ['${'AB:'.repeat(31)}CD']
  software:
    - name: enclave 1.0
      pcrs: {pcr0: ${HASH.toUpperCase()}, pcr1: '0x${HASH}', pcr2: ${HASH}, pcr8: ${HASH}}
sev-snp:
  leastFirmware:
    Milan: {bootloader: 4, tee: 0, snp: 22, microcode: 213}
  software:
    - {name: guest 1.0, measurement: ${HASH}}
`)
    assert.deepEqual(list, {
      nitro: {
        roots: [`${'ab'.repeat(31)}cd`],
        software: [{ name: 'enclave 1.0', pcrs: { ...pcrs, pcr8: HASH } }],
      },
      sevSnp: {
        roots: [],
        leastFirmware: { Milan: { fmc: 0, ...leastFirmware.Milan } },
        software: [{ name: 'guest 1.0', measurement: HASH }],
      },
    })
    assert.deepEqual(await read('{}'), NO_ATTESTED_SOFTWARE)
  })

  it('is refused where it would let in more than was meant', () => {
    const nitro = (pcrs: unknown) => ({ nitro: { software: [{ name: 'x', pcrs }] } })
    const wrong: [unknown, RegExp][] = [
      [nitro({ pcr0: HASH }), /pcr0, pcr1 and pcr2/],
      [nitro({ ...pcrs, pcr1: '0'.repeat(96) }), /debug image/],
      [nitro({ ...pcrs, pcr1: 'a1' }), /96 hex digits/],
      [nitro({ ...pcrs, pcr1: 0xa1 }), /in quotes/],
      [nitro({ ...pcrs, pcr32: HASH }), /pcr/],
      [nitro({ ...pcrs, PCR3: HASH }), /pcr/],
      [{ 'sev-snp': { software: [{ name: 'x', measurement: HASH }] } }, /leastFirmware/],
      [{ 'sev-snp': { leastFirmware: { Rome: leastFirmware.Milan }, software: [] } }, /Rome|leastFirmware/],
      [{ 'sev-snp': { leastFirmware: { Milan: { snp: 22 } }, software: [] } }, /bootloader/],
      [{ 'sev-snp': { leastFirmware, software: [{ name: 'x', measurement: '00'.repeat(48) }] } }, /debug/],
      [{ sevSnp: {} }, /sevSnp/],
      [[], /expected/i],
    ]
    for (const [value, message] of wrong)
      assert.throws(() => parseAttestedSoftware('file', value), { code: 'CONFIG_BAD_VALUE', message })
  })

  it('must be there and be readable', async () => {
    await assert.rejects(readAttestedSoftware('/nowhere/to/be/found'), { code: 'CONFIG_UNREADABLE' })
    await assert.rejects(read('{'), { code: 'CONFIG_BAD_VALUE' })
    await assert.rejects(read(`a: "${'x'.repeat(300_000)}"`), { code: 'CONFIG_BAD_VALUE' })
  })
})
