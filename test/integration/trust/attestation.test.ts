import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readEvent, verifyAuditLog } from '../../../node/auditlog/verify.ts'
import { peerDetailView } from '../../../node/gateway/trust-views.ts'
import { peerIdOf } from '../../../node/gateway/views.ts'
import { DEFAULT_PREFERENCES } from '../../../node/market/preferences.ts'
import { LISTED_PCRS, nitroChain } from '../../helpers/attestation/nitro-hypervisor.ts'
import { PROGRAM, writeMachine } from '../../helpers/attestation/program.ts'
import { TestNetwork, type TestNode } from '../../helpers/nodes.ts'
import { waitUntil } from '../../helpers/wait.ts'

describe('a provider in an enclave', () => {
  const network = new TestNetwork()
  const chain = nitroChain()
  let folder: string
  let provider: TestNode

  const listOf = (name: string, pcrs: Readonly<Record<string, string>>) => {
    const path = join(folder, `${name}.json`)
    const nitro = { roots: [chain.issuers[0]!.fingerprint], software: [{ name, pcrs }] }
    writeFileSync(path, JSON.stringify({ nitro }))
    return path
  }
  const requester = async (attested: string) => {
    const node = await network.node({
      'models.serve': '',
      'p2p.bootstrap': provider.address,
      'privacy.attested': attested,
    })
    await node.knows(provider)
    await waitUntil('it was asked', () => node.node.parts.attestation.reportOn(provider.key) !== null)
    return node
  }
  const ask = (node: TestNode) =>
    node.ask('What is 2 + 2?', {
      maxTokens: 8,
      preferences: { ...DEFAULT_PREFERENCES, dataClass: 'PRIVATE' },
    })

  before(async () => {
    await network.start()
    folder = await network.folder()
    const machine = join(folder, 'machine.json')
    writeMachine(machine, chain)
    provider = await network.node({
      'offer.dataClass': 'PRIVATE',
      'attestation.command': [process.execPath, PROGRAM, machine],
      'privacy.attested': listOf('own', LISTED_PCRS),
    })
  })
  after(() => network.stop())

  it('does PRIVATE tasks of who lists its software', async () => {
    const node = await requester(listOf('enclave 1.0', LISTED_PCRS))
    const result = await ask(node)
    assert.equal(result.provider, provider.key)

    const { attestation } = await peerDetailView(node.node, peerIdOf(provider.key))
    assert.equal(attestation?.proven?.software, 'enclave 1.0')
    assert.equal(attestation.proven.measurements.pcr0, LISTED_PCRS.pcr0)
    assert.ok(attestation.proven.shows.length > 0 && attestation.proven.doesNotShow.length > 0)
    const path = node.node.dataDir.auditLog
    const { events } = await verifyAuditLog({ path }, {})
    const recorded = await Promise.all(
      Array.from({ length: events }, async (_, at) => (await readEvent(path, at + 1))!.body.event),
    )
    const attested = recorded.find(event => event.kind === 'peer.attested')
    assert.deepEqual([attested?.peer, attested?.hardware], [provider.key, 'nitro'])
    assert.ok(!provider.told.some(event => event.type === 'warning' && event.code === 'ATTESTATION'))
  })

  it('does none of who lists other software', async () => {
    const node = await requester(listOf('other', { ...LISTED_PCRS, pcr2: 'ee'.repeat(48) }))
    await assert.rejects(ask(node), { code: 'NOTHING_FITS' })
    const { attestation } = await peerDetailView(node.node, peerIdOf(provider.key))
    assert.equal(attestation?.proven, null)
    assert.equal(attestation?.refusal?.code, 'UNKNOWN_MEASUREMENT')
  })
})
