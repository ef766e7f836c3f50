import type { Calibration } from '../../../../../inference/audit/calibration.ts'
import type { ScoredOutput } from '../../../../../inference/engine.ts'
import { createNativeNodeSigner } from '../../../../../node/ed25519.ts'
import { Clearance } from '../../../../../node/market/clearance.ts'
import type { KnownOffer } from '../../../../../node/market/offer-book.ts'
import { P2PError } from '../../../../../node/p2p/errors.ts'
import type { ArchivedTask } from '../../../../../node/trust/audits/archived-task.ts'
import { AuditFavours } from '../../../../../node/trust/audits/audit-favours.ts'
import type { Auditor, AuditReport, Availability } from '../../../../../node/trust/audits/auditor.ts'
import { AuditorBook } from '../../../../../node/trust/audits/auditor-book.ts'
import { RemoteAuditors } from '../../../../../node/trust/audits/remote-auditors.ts'
import { packScores } from '../../../../../node/trust/audits/remote-scores.ts'
import { cidOf, decodeMessage, encodeMessage } from '../../../../../protocol/codec.ts'
import type { NodeKey } from '../../../../../protocol/ids.ts'
import {
  type AuditJob,
  type AuditReply,
  auditJobMessage,
  auditReplyMessage,
  auditScoresMessage,
} from '../../../../../protocol/messages/audit-job.ts'
import { createRecord } from '../../../../../protocol/signed.ts'
import { silentLog } from '../../../../helpers/hosts.ts'
import { sampleOffer, sampleOfferRecord, seedOf } from '../../../../helpers/samples.ts'
import { seededRandom } from '../../../../helpers/seeded-random.ts'
import { SYNTHETIC_KEY, SyntheticWorld } from '../../../../helpers/synthetic-outputs.ts'
import { AuditWorld } from './audit-world.ts'

/** How an auditor answers a job; null says nothing. */
export type Behaviour = (job: AuditJob) => ScoredOutput | AuditReply | null

const synthetic = new SyntheticWorld(11)

/** Of the synthetic tasks, token n stands at place n: others are not the model's. */
export const honest: Behaviour = job => {
  const scored = synthetic.output({ tokens: job.output.length })
  job.output.forEach((token, place) => {
    if (token === place) return
    scored.states[place] = 3
    scored.margins[place] = Number.POSITIVE_INFINITY
    scored.logProbs[place] = Number.NEGATIVE_INFINITY
  })
  return scored
}

/** Never looks, and finds everything in order. */
export const passesAll: Behaviour = job => synthetic.output({ tokens: job.output.length })

/** Finds nothing in order. */
export const failsAll: Behaviour = job => {
  const scored = synthetic.output({ tokens: job.output.length })
  scored.states.fill(3)
  scored.margins.fill(Number.POSITIVE_INFINITY)
  scored.logProbs.fill(Number.NEGATIVE_INFINITY)
  return scored
}

const signerOf = (auditor: number) => createNativeNodeSigner(seedOf(150 + auditor))
export const auditorKey = (auditor: number): NodeKey =>
  Buffer.from(signerOf(auditor).publicKey).toString('hex')

/** Bound to nothing until the books it needs are open. */
class Later implements Auditor {
  inner: RemoteAuditors | null = null
  availability(task: ArchivedTask): Promise<Availability> {
    return this.inner!.availability(task)
  }
  audit(task: ArchivedTask, options: { signal: AbortSignal }): Promise<AuditReport> {
    return this.inner!.audit(task, options)
  }
}

export interface RemoteWorldOptions {
  folder: string
  behaviours: readonly Behaviour[]
  calibration: Calibration | null
  canaryShare?: number
  /** Auditors that are one operator. */
  kin?: readonly number[]
  /** Auditors whose records are good from the beginning. */
  proven?: boolean
  seed?: number
}

/** A requester without the model, and auditors behind a wire that encodes and decodes as a real one does. */
export class RemoteWorld {
  readonly behaviours: Behaviour[]
  readonly jobs: [auditor: NodeKey, job: AuditJob][] = []
  readonly excluded: NodeKey[] = []
  readonly violations: NodeKey[] = []
  hasBlock = true
  books!: AuditWorld
  auditors!: AuditorBook
  remote!: RemoteAuditors

  private constructor(options: RemoteWorldOptions) {
    this.behaviours = [...options.behaviours]
  }

  static async open(options: RemoteWorldOptions): Promise<RemoteWorld> {
    const world = new RemoteWorld(options)
    const later = new Later()
    const { calibration, folder } = options
    world.books = await AuditWorld.open({ folder, auditors: [later], calibration, share: 1 })
    const { store, clock, archive, book } = world.books
    const auditors = new AuditorBook({ store, outbox: world.books.outbox, clock })
    await auditors.start()
    world.auditors = auditors
    const keys = world.behaviours.map((_, auditor) => auditorKey(auditor))
    if (options.proven === true)
      for (const key of keys) for (let index = 0; index < 20; index++) await auditors.wasRight(key)
    const random = seededRandom(options.seed ?? 1)
    const kin = new Set((options.kin ?? []).map(auditorKey))
    world.remote = new RemoteAuditors(
      { canaryShare: options.canaryShare ?? 0 },
      {
        host: { addAddresses: async () => {}, openStream: async peer => world.#stream(peer) as never },
        ...{ archive, book: auditors, clock, log: silentLog, random },
        favours: new AuditFavours({}, { isStaked: () => true, clock }),
        calibrations: { find: async () => calibration },
        eligible: () => keys.map(offerOf),
        areDistinct: (a, b) => a !== b && !(kin.has(a) && kin.has(b)),
        isDrawn: receipt => book.isWaiting(receipt),
        isDoubted: (provider, model) => book.isDoubted(provider, model),
        onExcluded: async auditor => {
          world.excluded.push(auditor)
          await book.discount(auditor, { find: async () => calibration })
        },
        onViolation: peer => world.violations.push(peer),
        randomSeed: () =>
          `0x${Array.from({ length: 64 }, () => Math.floor(random() * 16).toString(16)).join('')}`,
      },
    )
    later.inner = world.remote
    world.remote.useTrade({
      beacon: {
        after: async timeMs =>
          world.hasBlock ? { number: 5, hash: `0x${'be'.repeat(32)}`, timeMs: timeMs + 1 } : null,
        at: async () => null,
      },
      clearance: new Clearance(
        { allow: keys, minStake: 0n, enclaveAttesters: [] },
        {
          ...{
            isWelcome: () => true,
            standing: () => null,
            certifierOf: () => null,
            attestationOf: () => null,
            serviceClass: () => null,
          },
          clock,
        },
      ),
    })
    await world.books.desk.start()
    return world
  }

  /** Lets auditors and tasks that were left alone be asked again, and audits. */
  async settle(): Promise<void> {
    this.books.clock.jump(61_000)
    await this.books.settle()
  }

  #stream(peer: NodeKey) {
    let reply: AuditReply | null = null
    const send = async (cleared: { contentFor(recipient: NodeKey): AuditJob }) => {
      const bytes = encodeMessage(auditJobMessage, cleared.contentFor(peer))
      const job = decodeMessage(auditJobMessage, bytes)
      this.jobs.push([peer, job])
      const auditor = this.behaviours.findIndex((_, index) => auditorKey(index) === peer)
      const said = this.behaviours[auditor]!(job)
      if (said === null) throw new P2PError('TIMED_OUT', 'the peer did not answer in time')
      reply = 'kind' in said ? said : replyOf(auditor, cidOf(bytes).toString(), said)
    }
    const receive = async () => decodeMessage(auditReplyMessage, encodeMessage(auditReplyMessage, reply!))
    return { send, receive, close: async () => {} }
  }
}

export function replyOf(auditor: number, job: string, scored: ScoredOutput): AuditReply {
  const { promptTokens, promptDigest, endsTurn, ending, text } = scored
  const { bytes: record } = createRecord(
    auditScoresMessage,
    {
      ...{ version: 1 as const, job, backend: 'cpu' as const, quantization: 'Q8_0' },
      ...{ chatTemplate: `0x${'55'.repeat(32)}`, promptTokens, prompt: promptDigest, endsTurn, ending, text },
      scores: packScores(scored),
    },
    signerOf(auditor),
  )
  return { kind: 'scores', record }
}

function offerOf(provider: NodeKey): KnownOffer {
  const { model } = SYNTHETIC_KEY
  const models = [{ ...sampleOffer.models[0]!, model }]
  const offer = { ...sampleOffer, models, dataClass: 'CONFIDENTIAL' as const }
  return { provider, cid: sampleOfferRecord.cid, offer, bytes: sampleOfferRecord.bytes }
}
