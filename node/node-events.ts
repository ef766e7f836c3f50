import { EventEmitter } from 'node:events'
import type { DownloadProgress } from '../inference/models/download.ts'
import type { Bytes32, CidString, ModelId, NodeKey, TaskId } from '../protocol/ids.ts'
import type { RefusalCode } from '../protocol/messages/provider-frame.ts'
import type { EndReason } from '../protocol/messages/receipt.ts'
import type { AuditResult } from './trust/audits/verdict.ts'

/** What a node tells whoever watches it; for people, not for decisions. */
export type NodeEvent =
  | { type: 'chain'; state: 'connected' | 'unreachable' }
  | { type: 'funded'; wallet: string }
  | { type: 'bound' }
  | { type: 'peer'; peer: NodeKey; state: 'connected' | 'gone' }
  | { type: 'offer'; provider: NodeKey; models: ModelId[] }
  | {
      type: 'model'
      spec: string
      state: 'loading' | 'downloading' | 'ready' | 'failed' | 'retired'
      progress?: DownloadProgress
      model?: ModelId
      error?: string
    }
  | { type: 'engine'; state: string; backend: string | null }
  | { type: 'task-refused'; requester: NodeKey; code: RefusalCode }
  | {
      type: 'task-done'
      requester: NodeKey
      taskId: TaskId
      reason: EndReason
      outputTokens: number
      amount: bigint
      receipt: CidString | null
      countersigned: boolean
    }
  /** An answer of a provider was checked. */
  | { type: 'audited'; provider: NodeKey; model: ModelId; receipt: CidString; result: AuditResult }
  | { type: 'settled'; transaction: Bytes32; amount: bigint; channels: number }
  | { type: 'anchored'; transaction: Bytes32; root: Bytes32; firstSequence: number; lastSequence: number }
  /** A changed policy file has taken effect. */
  | { type: 'routing-policy'; name: string }
  | { type: 'warning'; code: string; message: string; fix?: string }

export class NodeEvents extends EventEmitter<{ event: [event: NodeEvent] }> {
  tell(event: NodeEvent): void {
    this.emit('event', event)
  }
}
