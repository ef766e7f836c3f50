import { cidOf, ProtocolError } from '../../../protocol/codec.ts'
import type { CidString } from '../../../protocol/ids.ts'
import { countersignatureMessage } from '../../../protocol/messages/countersignature.ts'
import type { TaskEvidence } from '../../../protocol/messages/evidence.ts'
import { outputDigest, type Receipt, receiptMessage } from '../../../protocol/messages/receipt.ts'
import { openRecord, openRecordOf } from '../../../protocol/signed.ts'
import type { Clock } from '../../clock.ts'
import { verifyEd25519Natively } from '../../ed25519.ts'
import { DisputeError } from './errors.ts'
import { openEvidence } from './evidence.ts'
import { type Examination, type Examiner, undecided } from './examination.ts'

/** What is compared, in the order in which it is told. */
export const RECEIPT_CHECKS = [
  'provider_signature',
  'countersignature',
  'request',
  'output',
  'prompt',
  'template',
  'stop',
  'text',
  'tokens',
] as const
export type ReceiptCheckName = (typeof RECEIPT_CHECKS)[number]

export interface ReceiptCheck {
  check: ReceiptCheckName
  result: 'right' | 'wrong' | 'unknown'
}

/** What is at hand of a receipt: the record alone, or the task with it. */
export interface ReceiptMaterial {
  record: Uint8Array
  countersignature: Uint8Array | null
  /** Null where nothing is kept of its task: providers keep none. */
  task: Omit<TaskEvidence, 'receipt'> | null
}

export interface CheckedReceipt {
  cid: CidString
  receipt: Receipt
  checks: ReceiptCheck[]
  examination: Examination
}

export interface ReceiptCheckerModules {
  examiner: Pick<Examiner, 'examine'>
  clock: Clock
}

/** An engine that is busy is asked again, so often and after so long. */
const MAX_TRIES = 60
const TRY_AGAIN_MS = 1_000

/** Checks a receipt by hand, from its signatures to the last token. */
export class ReceiptChecker {
  readonly #modules: ReceiptCheckerModules

  constructor(modules: ReceiptCheckerModules) {
    this.#modules = modules
  }

  /**
   * Checks a receipt as far as what is at hand goes.
   * @throws {DisputeError} EVIDENCE_FOREIGN when the record is no receipt at all
   * @throws {EngineError} CANCELLED
   */
  async check(material: ReceiptMaterial, signal?: AbortSignal): Promise<CheckedReceipt> {
    const { receipt, cid, isSigned } = openReceipt(material.record)
    const { task } = material
    const isRequest = task === null ? null : cidOf(task.request).toString() === receipt.request
    const isOutput = task === null ? null : outputDigest(task.tokens, task.text) === receipt.output
    const isWhole = isSigned && isRequest === true && isOutput === true
    const examination = isWhole
      ? await this.#examine({ receipt: material.record, ...task! }, signal)
      : undecided('no_evidence')
    const { against, assessment } = examination
    const seen = (part: 'prompt' | 'stop' | 'text') => assessment?.[part] ?? 'unknown'
    const results: Record<ReceiptCheckName, ReceiptCheck['result']> = {
      provider_signature: isSigned ? 'right' : 'wrong',
      countersignature: checkCountersignature(material.countersignature, receipt, cid),
      request: resultOf(isRequest),
      output: resultOf(isOutput),
      prompt: seen('prompt'),
      template: against.includes('template') ? 'wrong' : assessment === null ? 'unknown' : 'right',
      stop: seen('stop'),
      text: seen('text'),
      tokens: against.includes('tokens') ? 'wrong' : examination.finding === 'innocent' ? 'right' : 'unknown',
    }
    return {
      cid,
      receipt,
      checks: RECEIPT_CHECKS.map(check => ({ check, result: results[check] })),
      examination,
    }
  }

  async #examine(evidence: TaskEvidence, signal: AbortSignal | undefined): Promise<Examination> {
    const { examiner, clock } = this.#modules
    const task = openEvidence(evidence, null)
    for (let tries = 1; ; tries++) {
      const examination = await examiner.examine(task, signal)
      if (examination !== null) return examination
      if (tries === MAX_TRIES || signal?.aborted === true) return undecided('engine_failed')
      await new Promise<void>(resolve => clock.setTimer(resolve, TRY_AGAIN_MS))
    }
  }
}

/** @throws {DisputeError} EVIDENCE_FOREIGN */
function openReceipt(record: Uint8Array): { receipt: Receipt; cid: CidString; isSigned: boolean } {
  try {
    const { body, cid, signer } = openRecord(receiptMessage, record, () => true)
    return { receipt: body, cid, isSigned: signer === body.provider && isSignatureRight(record) }
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause
    throw new DisputeError('EVIDENCE_FOREIGN', `this is no receipt: ${cause.message}`, { cause })
  }
}

function isSignatureRight(record: Uint8Array): boolean {
  try {
    openRecord(receiptMessage, record, verifyEd25519Natively)
    return true
  } catch {
    return false
  }
}

function checkCountersignature(
  bytes: Uint8Array | null,
  { requester }: Receipt,
  cid: CidString,
): ReceiptCheck['result'] {
  if (bytes === null) return 'unknown'
  try {
    const { body } = openRecordOf(countersignatureMessage, bytes, requester, verifyEd25519Natively)
    return body.receipt === cid ? 'right' : 'wrong'
  } catch {
    return 'wrong'
  }
}

function resultOf(isRight: boolean | null): ReceiptCheck['result'] {
  return isRight === null ? 'unknown' : isRight ? 'right' : 'wrong'
}
