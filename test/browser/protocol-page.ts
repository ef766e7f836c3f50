import { decodeMessage, encodeMessage } from '../../protocol/codec.ts'
import { verifyEd25519 } from '../../protocol/identity.ts'
import { requesterFrameMessage } from '../../protocol/messages/requester-frame.ts'
import { sampleRequest } from '../helpers/samples.ts'
import { checkVectors, type Vectors } from '../vectors/check.ts'

/** What the page under test runs: every vector, and one message made here. */
declare global {
  interface Window {
    runVectors(vectors: Vectors): string[]
  }
}

window.runVectors = vectors => {
  const bytes = encodeMessage(requesterFrameMessage, sampleRequest)
  const again = decodeMessage(requesterFrameMessage, bytes)
  const failures = checkVectors(vectors, verifyEd25519)
  return again.kind === 'request' && again.taskId === sampleRequest.taskId
    ? failures
    : [...failures, 'request']
}
