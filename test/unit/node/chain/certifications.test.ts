import assert from 'node:assert/strict'
import { Certifications } from '../../../../node/chain/certifications.ts'
import type { Certification } from '../../../../node/chain/client.ts'
import type { Logger } from '../../../../node/log.ts'
import { ManualClock } from '../../../helpers/manual-clock.ts'

const WALLET = `0x${'33'.repeat(20)}`
const ATTESTER = `0x${'11'.repeat(20)}`
const MINUTE_MS = 60_000

describe('certifications', () => {
  let clock: ManualClock
  let answer: Certification | null | Error
  let asked: number
  let certifications: Certifications

  beforeEach(() => {
    clock = new ManualClock()
    answer = { attester: ATTESTER, expiresAtMs: clock.nowMs() + 20 * MINUTE_MS }
    asked = 0
    const certification = async () => {
      asked++
      if (answer instanceof Error) throw answer
      return answer
    }
    const log = { debug: () => {} } as unknown as Logger
    certifications = new Certifications({ client: { certification }, clock, log })
  })

  it('are looked up once in a while, and end when the chain said they would', async () => {
    assert.equal(certifications.certifierOf(WALLET), null)
    await certifications.check(WALLET)
    await certifications.check(WALLET)
    assert.equal(asked, 1)
    assert.equal(certifications.certifierOf(WALLET), ATTESTER)
    await clock.advance(20 * MINUTE_MS - 1)
    assert.equal(certifications.certifierOf(WALLET), ATTESTER)
    await clock.advance(1)
    assert.equal(certifications.certifierOf(WALLET), null)
  })

  it('that were taken back count no more', async () => {
    await certifications.check(WALLET)
    answer = null
    await clock.advance(10 * MINUTE_MS)
    await certifications.check(WALLET)
    assert.equal(certifications.certifierOf(WALLET), null)
  })

  it('that were read too long ago count no more while the chain is silent', async () => {
    answer = { attester: ATTESTER, expiresAtMs: clock.nowMs() + 1_000 * MINUTE_MS }
    await certifications.check(WALLET)
    answer = new Error('unreachable')
    await clock.advance(29 * MINUTE_MS)
    await certifications.check(WALLET)
    assert.equal(certifications.certifierOf(WALLET), ATTESTER)
    await clock.advance(MINUTE_MS)
    assert.equal(certifications.certifierOf(WALLET), null)
  })
})
