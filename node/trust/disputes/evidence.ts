import { cidOf, decodeMessage, ProtocolError } from '../../../protocol/codec.ts'
import type { Bytes32 } from '../../../protocol/ids.ts'
import type { TaskEvidence } from '../../../protocol/messages/evidence.ts'
import { outputDigest, receiptMessage } from '../../../protocol/messages/receipt.ts'
import { requesterFrameMessage } from '../../../protocol/messages/requester-frame.ts'
import { openRecord } from '../../../protocol/signed.ts'
import { receiptClaim } from '../../../protocol/typed-data.ts'
import { verifyEd25519Natively } from '../../ed25519.ts'
import type { ArchivedTask } from '../audits/archived-task.ts'
import { DisputeError } from './errors.ts'
import type { ExaminedTask } from './examination.ts'

/**
 * Opens what a party says a task was: the provider's signature, and that request and output are those the receipt
 * names by digest.
 * @param claim of the receipt the court has; null where none has been challenged
 * @throws {DisputeError} EVIDENCE_FOREIGN
 */
export function openEvidence(evidence: TaskEvidence, claim: Bytes32 | null): ExaminedTask {
  const { request: frame, tokens, text } = evidence
  try {
    const { body: receipt, signer } = openRecord(receiptMessage, evidence.receipt, verifyEd25519Natively)
    if (signer !== receipt.provider) throw foreign('the receipt is not signed by its provider')
    if (claim !== null && receiptClaim(receipt) !== claim) throw foreign('it is another receipt')
    if (cidOf(frame).toString() !== receipt.request) throw foreign('the request is another one')
    if (outputDigest(tokens, text) !== receipt.output) throw foreign('the output is another one')
    const request = decodeMessage(requesterFrameMessage, frame)
    if (request.kind !== 'request') throw foreign('it is no request')
    if (request.model !== receipt.model) throw foreign('the receipt is of another model than was asked for')
    return { receipt, request, tokens, text }
  } catch (error) {
    if (error instanceof ProtocolError) throw foreign(error.message, error)
    throw error
  }
}

function foreign(why: string, cause?: unknown): DisputeError {
  return new DisputeError('EVIDENCE_FOREIGN', `this is not the task of the receipt: ${why}`, {
    ...(cause === undefined ? {} : { cause }),
  })
}

/** A kept task in the form jurors get. */
export function evidenceOf({ record, requestFrame, tokens, text }: ArchivedTask): TaskEvidence {
  return { receipt: record, request: requestFrame, tokens: [...tokens], text }
}
