import type { OnChainChannel } from '../../../../node/chain/client.ts'
import { createNativeNodeSigner } from '../../../../node/ed25519.ts'
import type { PaymentReader } from '../../../../node/trust/paid-receipts.ts'
import type { NodeSigner } from '../../../../protocol/identity.ts'
import { countersignatureMessage } from '../../../../protocol/messages/countersignature.ts'
import { type Receipt, receiptMessage } from '../../../../protocol/messages/receipt.ts'
import {
  type ReportedTask,
  type ReputationReport,
  reputationReportMessage,
} from '../../../../protocol/messages/reputation-report.ts'
import { createRecord, type SignedRecord } from '../../../../protocol/signed.ts'
import { sampleReceipt } from '../../../helpers/samples.ts'

export const witness = createNativeNodeSigner(new Uint8Array(32).fill(1))
export const provider = createNativeNodeSigner(new Uint8Array(32).fill(2))
export const keyOf = (signer: NodeSigner) => Buffer.from(signer.publicKey).toString('hex')
export const NOW_MS = sampleReceipt.endedAtMs + 60_000
export const SCENE = {
  chainId: sampleReceipt.chainId,
  settlement: sampleReceipt.settlement,
  nowMs: NOW_MS,
  admit: () => true,
}

/** A task that `witness` paid `provider` for; each `index` is another one. */
export function paidTask(
  index = 0,
  changes: Partial<Receipt> = {},
  signers: { receipt?: NodeSigner; countersignature?: NodeSigner } = {},
): {
  receipt: SignedRecord<Receipt>
  countersignature: ReturnType<typeof createRecord<{ version: 1; receipt: string }>>
  task: ReportedTask
} {
  const receipt = createRecord(
    receiptMessage,
    {
      ...sampleReceipt,
      taskId: index.toString(16).padStart(32, '0'),
      requester: keyOf(witness),
      provider: keyOf(provider),
      outputTokens: 100,
      ...changes,
    },
    signers.receipt ?? provider,
  )
  const countersignature = createRecord(
    countersignatureMessage,
    { version: 1 as const, receipt: receipt.cid },
    signers.countersignature ?? witness,
  )
  const task = {
    receipt: receipt.bytes,
    countersignature: countersignature.bytes,
    result: 'completed',
  } as const
  return { receipt, countersignature, task }
}

export function bundle(
  tasks: ReportedTask[],
  changes: Partial<ReputationReport> = {},
  signer: NodeSigner = witness,
): Uint8Array {
  return createRecord(reputationReportMessage, { version: 1, issuedAtMs: NOW_MS, tasks, ...changes }, signer)
    .bytes
}

/** A chain on which the wallets of the sample receipt declare their nodes and have a channel. */
export class PaidChain implements PaymentReader {
  readonly channels = new Map<string, OnChainChannel>()
  readonly keys = new Map<string, string>()

  constructor(claimed: bigint) {
    const { channelId, payer, payee } = sampleReceipt
    this.channels.set(channelId, {
      channelId,
      payer,
      payee,
      signer: payer,
      deposit: 10n ** 20n,
      claimed,
      expiresAtMs: NOW_MS + 86_400_000,
      closesAtMs: null,
      status: 'open',
    })
    this.keys.set(payer, keyOf(witness))
    this.keys.set(payee, keyOf(provider))
  }

  channel = (channelId: string) => Promise.resolve(this.channels.get(channelId) ?? null)
  nodeKeyOf = (wallet: string) => Promise.resolve(this.keys.get(wallet) ?? null)
}
