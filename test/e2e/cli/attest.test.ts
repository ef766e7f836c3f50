import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import type { EvidenceView } from '../../../node/gateway/attestation-views.ts'
import { peerIdFromPublicKey } from '../../../protocol/ids.ts'
import type { AttestationVector } from '../../vectors/attestation/cases.ts'
import { assertError, Person } from './person.ts'

describe('shoal attest verify', () => {
  const [good] = JSON.parse(
    readFileSync(new URL('../../vectors/attestation/nitro.json', import.meta.url), 'utf8'),
  ) as [AttestationVector]
  const at = new Date(good.atMs).toISOString()
  const node = peerIdFromPublicKey(Buffer.from(good.nodeKey, 'hex'))
  let person: Person
  let command: string[]

  before(async () => {
    person = await Person.make()
    const [evidence, software] = [person.folder('evidence.bin'), person.folder('software.json')]
    await writeFile(evidence, Buffer.from(good.evidence, 'base64'))
    await writeFile(software, JSON.stringify(good.attested))
    command = ['attest', 'verify', evidence, '--node', node, '--at', at, '--software', software]
  })
  after(() => person.leave())

  it('says what evidence shows and what it does not, or why it proves nothing', async () => {
    const view = await person.json<EvidenceView>([...command, '--nonce', good.nonce])
    assert.equal(view.software, 'enclave 1.0')
    assert.equal(view.hardware, 'nitro')
    assert.match(view.doesNotShow.join(), /revoked/)
    const text = await person.run([...command, '--nonce', good.nonce])
    assert.match(text.stdout, /It shows:(.|\n)*It does not show:/)
    const other = await person.run([...command, '--nonce', '11'.repeat(32)])
    assertError(other, { status: 1, code: 'WRONG_NONCE', message: /another challenge/ })
  })
})
