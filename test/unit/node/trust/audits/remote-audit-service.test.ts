import assert from 'node:assert/strict'
import { type Engine, EngineError } from '../../../../../inference/engine.ts'
import { AuditFavours } from '../../../../../node/trust/audits/audit-favours.ts'
import { RemoteAuditService } from '../../../../../node/trust/audits/remote-audit-service.ts'
import { unpackScores } from '../../../../../node/trust/audits/remote-scores.ts'
import { drawAuditors } from '../../../../../protocol/auditor-draw.ts'
import { cidOf, encodeMessage } from '../../../../../protocol/codec.ts'
import {
  type AuditJob,
  auditJobMessage,
  auditScoresMessage,
} from '../../../../../protocol/messages/audit-job.ts'
import { openRecord } from '../../../../../protocol/signed.ts'
import { silentLog } from '../../../../helpers/hosts.ts'
import { ManualClock } from '../../../../helpers/manual-clock.ts'
import { sampleSigner, samples } from '../../../../helpers/samples.ts'
import { SyntheticWorld } from '../../../../helpers/synthetic-outputs.ts'

const SELF = Buffer.from(sampleSigner.publicKey).toString('hex')
const PEER = '77'.repeat(32)
const HASH = `0x${'be'.repeat(32)}`
const job = samples.find(({ name }) => name === 'audit-job')!.value as AuditJob
const nodes = Array.from({ length: 40 }, (_, index) => index.toString(16).padStart(2, '0').repeat(32))

describe('audits for others', () => {
  const scored = new SyntheticWorld(2).output({ tokens: 2 })
  let clock: ManualClock
  let freeSlots: number
  let eligible: string[]
  let score: () => Promise<typeof scored>
  let service: RemoteAuditService
  let favours: AuditFavours

  beforeEach(() => {
    clock = new ManualClock()
    freeSlots = 1
    eligible = []
    score = async () => scored
    const model = { id: job.model, quantization: 'Q8_0', contextTokens: 1_024, chatTemplateDigest: null }
    const status = () => ({ state: 'ready', backend: { kind: 'cpu' }, models: [model], freeSlots, queued: 0 })
    favours = new AuditFavours({ otherTokens: 100 }, { isStaked: () => false, clock })
    service = new RemoteAuditService({
      host: { nodeKey: SELF, serveStream: async () => {} },
      engine: { status, score: () => score() } as unknown as Engine,
      ...{ signer: sampleSigner, favours, clock, log: silentLog, isWelcome: peer => peer === PEER },
      beacon: () => ({
        after: async () => null,
        at: async number =>
          number === job.block ? { number, hash: HASH, timeMs: clock.nowMs() - 1_000 } : null,
      }),
      offered: () => [model] as never,
      eligible: () => eligible,
    })
  })

  const ask = (changes: Partial<AuditJob> = {}, peer = PEER) =>
    service.answer(peer, { ...job, ...changes }, AbortSignal.timeout(5_000))
  const refusalOf = async (changes?: Partial<AuditJob>, peer?: string) => {
    const reply = await ask(changes, peer)
    return reply.kind === 'refused' ? reply.code : null
  }

  it('are signed, and name the job', async () => {
    const reply = await ask()
    assert.ok(reply.kind === 'scores')
    const { body, signer } = openRecord(auditScoresMessage, reply.record)
    assert.deepEqual([signer, body.job], [SELF, cidOf(encodeMessage(auditJobMessage, job)).toString()])
    assert.deepEqual(unpackScores(body, 2).states, scored.states)
  })

  it('are refused to whom they are not for', async () => {
    assert.equal(await refusalOf({}, '66'.repeat(32)), 'refused')
    assert.equal(await refusalOf({ model: `other@sha256:${'1'.repeat(64)}` }), 'unavailable')
    assert.equal(await refusalOf({ output: new Array(1_024).fill(1) }), 'refused')
    freeSlots = 0
    assert.equal(await refusalOf(), 'busy')
  })

  it('are refused by who was not drawn, or by no block that counts', async () => {
    eligible = nodes
    const first = (jobName: string) => drawAuditors(HASH, jobName, [SELF, ...nodes]).indexOf(SELF)
    const names = Array.from({ length: 40 }, (_, index) => `0x${index.toString(16).padStart(64, '0')}`)
    for (const name of names.slice(0, 12)) {
      favours.received(PEER, 1_000)
      assert.equal(await refusalOf({ job: name }), first(name) < 12 ? null : 'not_drawn')
    }
    eligible = []
    assert.equal(await refusalOf({ block: 7 }), 'not_drawn')
    clock.jump(49 * 3_600_000)
    assert.equal(await refusalOf(), null)
  })

  it('end for the day with what a peer is done as a favour, and go on with what it did for us', async () => {
    let done = 0
    while ((await refusalOf()) === null) done++
    assert.ok(done >= 2 && done <= 6, String(done))
    assert.equal(await refusalOf(), 'spent')
    favours.received(PEER, 100)
    assert.equal(await refusalOf(), null)
    while ((await refusalOf()) === null);
    clock.jump(24 * 3_600_000)
    assert.equal(await refusalOf(), null)
  })

  it('are one at a time, and say what cannot be done', async () => {
    let finish = () => {}
    score = () =>
      new Promise(resolve => {
        finish = () => resolve(scored)
      })
    const first = ask()
    await new Promise(resolve => setImmediate(resolve))
    assert.equal(await refusalOf(), 'busy')
    finish()
    assert.equal((await first).kind, 'scores')
    score = async () => {
      throw new EngineError('PROMPT_TOO_LONG', 'too long')
    }
    assert.equal(await refusalOf(), 'refused')
  })
})
