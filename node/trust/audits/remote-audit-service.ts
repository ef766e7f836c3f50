import type { Engine, LoadedModel } from '../../../inference/engine.ts'
import { drawAuditors } from '../../../protocol/auditor-draw.ts'
import { cidOf, encodeMessage, utf8Length } from '../../../protocol/codec.ts'
import { isShoalError } from '../../../protocol/errors.ts'
import type { NodeSigner } from '../../../protocol/identity.ts'
import type { ModelId, NodeKey } from '../../../protocol/ids.ts'
import {
  type AuditJob,
  type AuditRefusal,
  type AuditReply,
  auditJobMessage,
  auditScoresMessage,
} from '../../../protocol/messages/audit-job.ts'
import { createRecord } from '../../../protocol/signed.ts'
import type { Beacon } from '../../chain/beacon.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../log.ts'
import type { P2PHost } from '../../p2p/host.ts'
import { chatTemplateOf } from '../../tasks/engine-task.ts'
import type { AuditFavours } from './audit-favours.ts'
import { scoreRequestOf } from './remote-job.ts'
import { AUDIT_TIMEOUT_MS, auditProtocol } from './remote-protocol.ts'
import { packScores } from './remote-scores.ts'

export interface RemoteAuditServiceModules {
  host: Pick<P2PHost, 'serveStream' | 'nodeKey'>
  engine: Engine
  signer: NodeSigner
  favours: AuditFavours
  /** Null while the chain has not answered. */
  beacon: () => Beacon | null
  /** The loaded models that are for others. */
  offered: () => readonly LoadedModel[]
  /** Who may audit a model, as far as is known here. */
  eligible: (model: ModelId) => Iterable<NodeKey>
  isWelcome: (peer: NodeKey) => boolean
  clock: Clock
  log: Logger
}

/**
 * Whoever stands further down was not drawn: a requester may find some before it away, busy or its provider's kin, and
 * knows of others than we do, but not of so many.
 */
const MAX_RANK = 12
/** A requester that has waited for longer has given up. */
const MAX_BLOCK_AGE_MS = 48 * 3_600_000
const BYTES_PER_TOKEN = 3

/**
 * Scores outputs for peers that do not have the model: while nothing else is to be done, one at a time, within what each peer is
 * done as a favour. Nothing of a job is kept.
 */
export class RemoteAuditService {
  readonly #modules: RemoteAuditServiceModules
  readonly #abort = new AbortController()
  #isWorking = false

  constructor(modules: RemoteAuditServiceModules) {
    this.#modules = modules
  }

  async start(): Promise<void> {
    await this.#modules.host.serveStream(auditProtocol, async (frames, job) => {
      const signal = AbortSignal.any([this.#abort.signal, AbortSignal.timeout(AUDIT_TIMEOUT_MS)])
      await frames.send(await this.answer(frames.remote, job, signal), signal)
      await frames.close()
    })
  }

  /** Scores a job, or says why not. @throws {ChainError} CHAIN_UNREACHABLE */
  async answer(peer: NodeKey, job: AuditJob, signal: AbortSignal): Promise<AuditReply> {
    const { log } = this.#modules
    const refusal = this.#isWorking ? 'busy' : (this.#refusal(peer, job) ?? (await this.#drawRefusal(job)))
    if (refusal !== null || this.#isWorking) return refused(refusal ?? 'busy')
    this.#isWorking = true
    try {
      return { kind: 'scores', record: await this.#score(peer, job, signal) }
    } catch (error) {
      if (!isShoalError(error)) throw error
      log.debug({ err: error, peer }, 'an output was not scored for a peer')
      return refused(isShoalError(error, ...PASSING) ? 'busy' : 'refused')
    } finally {
      this.#isWorking = false
    }
  }

  /** Idempotent: what is being scored is given up. */
  stop(): void {
    this.#abort.abort()
  }

  #refusal(peer: NodeKey, job: AuditJob): AuditRefusal | null {
    const { engine, offered, favours, isWelcome } = this.#modules
    if (!isWelcome(peer)) return 'refused'
    const model = offered().find(({ id }) => id === job.model)
    if (model === undefined) return 'unavailable'
    const tokens = roughTokens(job)
    if (job.output.length >= model.contextTokens) return 'refused'
    if (favours.left(peer) < tokens) return 'spent'
    const { freeSlots, queued, state } = engine.status()
    return state === 'ready' && freeSlots > 0 && queued === 0 ? null : 'busy'
  }

  async #drawRefusal({ model, block, job }: AuditJob): Promise<AuditRefusal | null> {
    const { beacon, eligible, host, clock } = this.#modules
    const drawn = (await beacon()?.at(block)) ?? null
    if (drawn === null || drawn.timeMs < clock.nowMs() - MAX_BLOCK_AGE_MS) return 'not_drawn'
    const rank = drawAuditors(drawn.hash, job, [host.nodeKey, ...eligible(model)]).indexOf(host.nodeKey)
    return rank < MAX_RANK ? null : 'not_drawn'
  }

  async #score(peer: NodeKey, job: AuditJob, signal: AbortSignal): Promise<Uint8Array> {
    const { engine, signer, favours } = this.#modules
    const scored = await engine.score(scoreRequestOf(job), { signal })
    favours.did(peer, scored.promptTokens + job.output.length)
    const { backend, models } = engine.status()
    const { promptTokens, promptDigest, endsTurn, ending, text } = scored
    return createRecord(
      auditScoresMessage,
      {
        ...{ version: 1 as const, job: cidOf(encodeMessage(auditJobMessage, job)).toString() },
        backend: backend?.kind ?? 'cpu',
        quantization: models.find(({ id }) => id === job.model)?.quantization ?? '',
        chatTemplate: chatTemplateOf(engine, job.model),
        ...{ promptTokens, prompt: promptDigest, endsTurn, ending, text, scores: packScores(scored) },
      },
      signer,
    ).bytes
  }
}

const PASSING = [
  'ENGINE_BUSY',
  'ENGINE_UNAVAILABLE',
  'ENGINE_CRASHED',
  'MODEL_NOT_LOADED',
  'CANCELLED',
] as const

function refused(code: AuditRefusal): AuditReply {
  return { kind: 'refused', code }
}

/** About what the model is run over. */
function roughTokens({ input, continuation, output }: AuditJob): number {
  const texts = input.kind === 'chat' ? input.messages.map(({ content }) => content) : [input.prompt]
  const bytes = [...texts, continuation?.text ?? ''].reduce((sum, text) => sum + utf8Length(text), 0)
  return Math.ceil(bytes / BYTES_PER_TOKEN) + output.length
}
