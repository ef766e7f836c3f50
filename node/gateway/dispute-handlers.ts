import { decodeMessage, encodeMessage } from '../../protocol/codec.ts'
import { ShoalError } from '../../protocol/errors.ts'
import type { CidString } from '../../protocol/ids.ts'
import { type TaskEvidence, taskEvidenceMessage } from '../../protocol/messages/evidence.ts'
import { formatCredits } from '../../protocol/money.ts'
import type { ShoalNode } from '../node.ts'
import type { BookedReceipt } from '../tasks/receipt-book.ts'
import type { Disputes } from '../trust/disputes/disputes.ts'
import { DisputeError } from '../trust/disputes/errors.ts'
import { evidenceOf } from '../trust/disputes/evidence.ts'
import type { ReceiptMaterial } from '../trust/disputes/receipt-check.ts'
import type { ControlHandlersOf } from './control-api.ts'
import type { disputeMethods } from './dispute-methods.ts'
import {
  type CheckedReceiptView,
  caseView,
  checkedReceiptView,
  type DisputeDetailView,
  type DisputesView,
  dutyView,
  juryView,
} from './dispute-views.ts'

/** Receipts looked through for one that a list shows in short. */
const MAX_LOOKED_AT = 10_000

/** What the commands about receipts and the court do. */
export function disputeHandlers(node: ShoalNode): ControlHandlersOf<keyof typeof disputeMethods> {
  const court = (): Disputes => {
    const { disputes } = node.parts.verification
    if (disputes !== null) return disputes
    throw new ShoalError('CHAIN_UNREACHABLE', 'the chain has not answered yet', {
      fix: 'Check --rpc and your connection; the node keeps trying.',
    })
  }
  return {
    verifyReceipt: async (
      { receipt, evidence, export: isExported },
      _tell,
      signal,
    ): Promise<CheckedReceiptView> => {
      const { verification } = node.parts
      const material =
        evidence === null
          ? await materialOf(node, receipt ?? '')
          : materialIn(decodeEvidence(Buffer.from(evidence, 'base64')))
      const checked = await verification.checker.check(material, signal)
      const whole = material.task === null ? null : { receipt: material.record, ...material.task }
      return checkedReceiptView(checked, {
        pooled: verification.pooledTest(checked.receipt.provider, checked.receipt.model),
        evidence: isExported && whole !== null ? encodeMessage(taskEvidenceMessage, whole) : null,
      })
    },
    disputes: async (): Promise<DisputesView> => {
      const { desk, jury, purse } = court()
      const { atRisk, max } = desk.bonds
      return {
        bonds: { atRisk: formatCredits(atRisk), max: formatCredits(max) },
        automaticPause: desk.automaticPause,
        owed: formatCredits(await purse.owed()),
        cases: desk.list().map(caseView),
        jury: (jury?.list() ?? []).map(dutyView),
      }
    },
    dispute: async ({ name }): Promise<DisputeDetailView> => {
      const { desk, court: reader } = court()
      const number = /^\d+$/.test(name) ? Number(name) : null
      const found = desk.find(number ?? (await receiptNamed(node, name))?.cid ?? name)
      if (found === null) {
        throw new DisputeError('DISPUTE_UNKNOWN', `there is no dispute ${name} of ours`, {
          fix: 'shoal disputes lists ours.',
        })
      }
      const jury = found.disputeId === null ? null : await reader.jury(found.disputeId, found.round)
      return { ...caseView(found), jury: juryView(jury) }
    },
    openDispute: async ({ receipt, reveal }) => {
      const named = (await receiptNamed(node, receipt))?.cid ?? receipt
      return caseView(
        await court().desk.open({ receipt: named, reason: 'owner', isAutomatic: false, reveal }),
      )
    },
    appealDispute: async ({ dispute }) => caseView(await court().desk.appeal(dispute)),
    withdrawFromCourt: async () => {
      const paid = await court().purse.withdraw()
      if (paid !== null) return { transaction: paid.transaction, amount: formatCredits(paid.amount) }
      throw new DisputeError('NOTHING_OWED', 'the court owes this wallet nothing', {
        fix: 'Bonds, bounties and fees come when a dispute ends; the node takes them by itself.',
      })
    },
  }
}

async function materialOf(node: ShoalNode, name: string): Promise<ReceiptMaterial> {
  const booked = await receiptNamed(node, name)
  const cid: CidString = booked?.cid ?? name
  const kept = await node.parts.verification.archive.get(cid)
  if (kept !== null)
    return { record: kept.record, countersignature: kept.countersignature, task: taskIn(evidenceOf(kept)) }
  if (booked !== null) return { record: booked.record, countersignature: booked.countersignature, task: null }
  throw new DisputeError('RECEIPT_UNKNOWN', `there is no receipt ${name}`, {
    fix: 'shoal receipts lists receipts; a file of evidence can be named instead.',
  })
}

function materialIn(evidence: TaskEvidence): ReceiptMaterial {
  return { record: evidence.receipt, countersignature: null, task: taskIn(evidence) }
}

function taskIn({ request, tokens, text }: TaskEvidence): NonNullable<ReceiptMaterial['task']> {
  return { request, tokens, text }
}

/** @throws {DisputeError} EVIDENCE_FOREIGN */
function decodeEvidence(bytes: Uint8Array): TaskEvidence {
  try {
    return decodeMessage(taskEvidenceMessage, new Uint8Array(bytes))
  } catch (cause) {
    throw new DisputeError('EVIDENCE_FOREIGN', 'this is no file of evidence', {
      fix: 'shoal verify RECEIPT --out FILE writes one.',
      cause,
    })
  }
}

/** A receipt by its CID, or by what lists show of one; null when there is none. */
async function receiptNamed(node: ShoalNode, name: string): Promise<BookedReceipt | null> {
  const [head, tail, ...rest] = name.split('…')
  const isShort = tail !== undefined && rest.length === 0
  for await (const booked of node.parts.receipts.list({ limit: MAX_LOOKED_AT })) {
    if (booked.cid === name) return booked
    if (isShort && booked.cid.startsWith(head!) && booked.cid.endsWith(tail)) return booked
  }
  return null
}
