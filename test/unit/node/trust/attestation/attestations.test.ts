import assert from 'node:assert/strict'
import fc from 'fast-check'
import { P2PError } from '../../../../../node/p2p/errors.ts'
import { Attestations, type AttestationsModules } from '../../../../../node/trust/attestation/attestations.ts'
import { AttestationError } from '../../../../../node/trust/attestation/errors.ts'
import type { AttestedIdentity } from '../../../../../node/trust/attestation/evidence.ts'
import type { AttestResponse } from '../../../../../protocol/messages/attestation.ts'
import { silentLog } from '../../../../helpers/hosts.ts'
import { ManualClock } from '../../../../helpers/manual-clock.ts'

const PEER = 'ab'.repeat(32)
const MINUTE_MS = 60_000

const EVIDENCE: AttestResponse = { kind: 'evidence', evidence: Uint8Array.of(1) }
const BUSY: AttestResponse = { kind: 'refused', reason: 'busy' }

/** One requester, with peers that answer as the test says. */
function world(modules: Partial<AttestationsModules> = {}) {
  const clock = new ManualClock()
  const asked: string[] = []
  const recorded: AttestedIdentity[] = []
  let nonces = 0
  const state = {
    answer: (): AttestResponse => EVIDENCE,
    software: 'listed',
    validMs: 60 * MINUTE_MS,
  }
  const attestations = new Attestations({
    ask: async (_peer, nonce) => {
      asked.push(nonce)
      return state.answer()
    },
    verify: (_evidence, challenge) => {
      if (state.software !== 'listed') throw new AttestationError('UNKNOWN_MEASUREMENT', 'not on the list')
      return {
        ...{ kind: 'nitro', ...challenge, software: 'x', measurements: {}, platform: {}, shows: [] },
        ...{ doesNotShow: [], validUntilMs: clock.nowMs() + state.validMs },
      }
    },
    record: async identity => void recorded.push(identity),
    randomNonce: () => `0x${(++nonces).toString(16).padStart(64, '0')}`,
    ...{ clock, log: silentLog },
    ...modules,
  })
  return { attestations, clock, asked, recorded, state }
}

const unreachable = (): never => {
  throw new P2PError('TIMED_OUT', 'no answer')
}

describe('attestations', () => {
  it('count from when they are recorded to their end, and are renewed before', async () => {
    const { attestations, clock, asked, recorded } = world()
    assert.equal(attestations.of(PEER), null)
    assert.equal(attestations.reportOn(PEER), null)
    await attestations.check(PEER)
    assert.equal(attestations.of(PEER)?.nodeKey, PEER)
    assert.equal(recorded.length, 1)
    for (let passed = 0; passed < 44; passed += 4) {
      await attestations.check(PEER)
      clock.jump(4 * MINUTE_MS)
    }
    assert.equal(asked.length, 1)
    clock.jump(MINUTE_MS)
    await attestations.check(PEER)
    assert.equal(asked.length, 2)
    assert.equal(new Set(asked).size, 2, 'each time another nonce')
    clock.jump(60 * MINUTE_MS - 1)
    assert.notEqual(attestations.of(PEER), null)
    clock.jump(1)
    assert.equal(attestations.of(PEER), null)
    assert.equal(attestations.reportOn(PEER)?.identity, null)
  })

  it('outlast silence, and nothing else', async () => {
    const { attestations, clock, state, asked } = world()
    await attestations.check(PEER)
    state.answer = unreachable
    clock.jump(45 * MINUTE_MS)
    await attestations.check(PEER)
    assert.notEqual(attestations.of(PEER), null)
    assert.equal(attestations.reportOn(PEER)?.refusal?.code, 'UNREACHABLE')
    state.answer = () => BUSY
    await attestations.check(PEER)
    assert.equal(asked.length, 2, 'not asked again at once')
    clock.jump(MINUTE_MS)
    await attestations.check(PEER)
    assert.equal(asked.length, 3)
    assert.notEqual(attestations.of(PEER), null)
    state.answer = () => EVIDENCE
    state.software = 'other'
    clock.jump(MINUTE_MS)
    await attestations.check(PEER)
    assert.equal(attestations.of(PEER), null, 'it runs other software now')
    assert.equal(attestations.reportOn(PEER)?.refusal?.code, 'UNKNOWN_MEASUREMENT')
    state.software = 'listed'
    clock.jump(9 * MINUTE_MS)
    await attestations.check(PEER)
    assert.equal(asked.length, 4)
    clock.jump(MINUTE_MS)
    await attestations.check(PEER)
    assert.notEqual(attestations.of(PEER), null)
  })

  it('end when a peer no longer speaks the protocol', async () => {
    const { attestations, clock, state } = world()
    await attestations.check(PEER)
    state.answer = () => {
      throw new P2PError('PROTOCOL_UNSUPPORTED', 'what?')
    }
    clock.jump(45 * MINUTE_MS)
    await attestations.check(PEER)
    assert.equal(attestations.of(PEER), null)
    assert.equal(attestations.reportOn(PEER)?.refusal?.code, 'NONE')
  })

  it('do not count when they cannot be recorded', async () => {
    const { attestations } = world({ record: () => Promise.reject(new Error('the disk is full')) })
    await attestations.check(PEER)
    assert.equal(attestations.of(PEER), null)
  })

  it('ask one peer once at a time, few peers at once, and nobody after the end', async () => {
    let answer = (_: AttestResponse) => {}
    const answered = new Promise<AttestResponse>(resolve => {
      answer = resolve
    })
    let asked = 0
    const ask = () => {
      asked++
      return answered
    }
    const { attestations } = world({ ask })
    const checks = Array.from({ length: 40 }, (_, at) =>
      attestations.check((at % 20).toString(16).padStart(64, '0')),
    )
    assert.equal(asked, 16)
    attestations.stop()
    answer(EVIDENCE)
    await Promise.all(checks)
    assert.equal(attestations.of('0'.repeat(64)), null)
    await attestations.check(PEER)
    assert.equal(asked, 16)
  })

  it('are of nobody but who proved it last, whatever happens', async () => {
    const step = fc.record({
      answer: fc.constantFrom('evidence', 'busy', 'silent', 'unsupported'),
      software: fc.constantFrom('listed', 'other'),
      passMs: fc.constantFrom(0, MINUTE_MS, 16 * MINUTE_MS, 61 * MINUTE_MS),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async steps => {
        const { attestations, clock, state, asked } = world()
        let provenUntilMs = 0
        for (const { answer, software, passMs } of steps) {
          state.software = software
          state.answer = () => {
            if (answer === 'evidence') return EVIDENCE
            if (answer === 'busy') return BUSY
            throw new P2PError(answer === 'silent' ? 'TIMED_OUT' : 'PROTOCOL_UNSUPPORTED', answer)
          }
          const before = asked.length
          await attestations.check(PEER)
          if (asked.length > before) {
            if (answer === 'evidence')
              provenUntilMs = software === 'listed' ? clock.nowMs() + 60 * MINUTE_MS : 0
            else if (answer === 'unsupported') provenUntilMs = 0
          }
          assert.equal(attestations.of(PEER) !== null, provenUntilMs > clock.nowMs())
          clock.jump(passMs)
          assert.equal(attestations.of(PEER) !== null, provenUntilMs > clock.nowMs())
        }
      }),
      { numRuns: 100 },
    )
  })
})
