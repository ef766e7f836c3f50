import assert from 'node:assert/strict'
import { Attestor, troubleOf } from '../../../../../node/trust/attestation/attestor.ts'
import { AttestationError } from '../../../../../node/trust/attestation/errors.ts'
import {
  CommandEvidenceSource,
  type EvidenceOrder,
  type EvidenceSource,
} from '../../../../../node/trust/attestation/evidence-source.ts'
import { attestationData, attestationNonce } from '../../../../../protocol/attestation.ts'
import { silentLog } from '../../../../helpers/hosts.ts'
import { CHALLENGE } from '../../../../vectors/attestation/cases.ts'

const { nodeKey, nonce } = CHALLENGE
const attestor = (source: EvidenceSource) => new Attestor({ nodeKey }, { source, log: silentLog })

describe('an attestor', () => {
  it('has evidence made for the challenge and its own key', async () => {
    const orders: EvidenceOrder[] = []
    const evidence = async (order: EvidenceOrder) => {
      orders.push(order)
      return Uint8Array.of(9)
    }
    const source = { evidence }
    assert.deepEqual(await attestor(source).answer(nonce), {
      kind: 'evidence',
      evidence: Uint8Array.of(9),
    })
    assert.deepEqual(orders, [{ nonce: attestationNonce(CHALLENGE), userData: attestationData(CHALLENGE) }])
  })

  it('says that it failed, and nothing of why', async () => {
    const source = { evidence: () => Promise.reject(new Error('/dev/nsm: permission denied')) }
    assert.deepEqual(await attestor(source).answer(nonce), { kind: 'refused', reason: 'failed' })
  })

  it('makes two at once, and ends them when it is stopped', async () => {
    const source = {
      evidence: (_: EvidenceOrder, signal: AbortSignal) =>
        new Promise<Uint8Array>((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason)),
        ),
    }
    const busy = attestor(source)
    const first = [busy.answer(nonce), busy.answer(nonce)]
    assert.deepEqual(await busy.answer(nonce), { kind: 'refused', reason: 'busy' })
    busy.stop()
    busy.stop()
    for (const answer of first) assert.deepEqual(await answer, { kind: 'refused', reason: 'failed' })
    assert.deepEqual(await busy.answer(nonce), { kind: 'refused', reason: 'busy' })
  })

  it('tells its operator why peers would not believe it', async () => {
    const source = { evidence: async () => Uint8Array.of(1) }
    const refuse = () => {
      throw new AttestationError('DEBUG_MODE', 'the enclave runs in debug mode')
    }
    const error = await attestor(source)
      .tryOut(nonce, refuse)
      .catch((error: unknown) => error)
    assert.match(troubleOf(error).message, /will not believe .* debug mode/)
    assert.match(troubleOf(new Error('no such program')).fix, /two arguments/)
  })
})

describe('evidence by a program', () => {
  const order = { nonce: Buffer.alloc(32, 0xab), userData: Buffer.alloc(64, 0xcd) }
  const run = (code: string, signal = new AbortController().signal) =>
    new CommandEvidenceSource([process.execPath, '-e', code]).evidence(order, signal)

  it('is what it prints, given nonce and user data in hex and none of the node’s secrets', async () => {
    process.env.SHOAL_TEST_SECRET = 'secret'
    try {
      const code = 'process.stdout.write([...process.argv.slice(1), process.env.SHOAL_TEST_SECRET].join())'
      const printed = Buffer.from(await run(code)).toString()
      assert.equal(printed, `${'ab'.repeat(32)},${'cd'.repeat(64)},`)
    } finally {
      delete process.env.SHOAL_TEST_SECRET
    }
  })

  it('is none when it fails, prints nothing or too much, or is not there', async () => {
    await assert.rejects(run('console.error("no device"); process.exit(1)'), /no device/)
    await assert.rejects(run(''), /printed nothing/)
    await assert.rejects(run('process.stdout.write("x".repeat(40000))'), /maxBuffer/)
    const missing = new CommandEvidenceSource(['/nowhere/to/be/found'])
    await assert.rejects(missing.evidence(order, new AbortController().signal), /ENOENT/)
  })

  it('ends with the signal', async () => {
    const stop = new AbortController()
    const running = run('setInterval(() => {}, 1000)', stop.signal)
    stop.abort()
    await assert.rejects(running, /abort/i)
  })
})
