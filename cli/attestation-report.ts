import { readFile } from 'node:fs/promises'
import { systemClock } from '../node/clock.ts'
import { nodeKeyFrom } from '../node/config/node-key.ts'
import { evidenceView } from '../node/gateway/attestation-views.ts'
import { NO_ATTESTED_SOFTWARE, readAttestedSoftware } from '../node/trust/attestation/software-list.ts'
import { AttestationVerifiers } from '../node/trust/attestation/verifiers.ts'
import { ShoalError } from '../protocol/errors.ts'
import type { VerifyAttestationOptions } from './commands/attest.ts'
import { describeEvidence } from './ui/attestation.ts'
import type { Output } from './ui/output.ts'

/**
 * Checks evidence in a file by hand.
 * @throws {ShoalError} why it proves nothing
 */
export async function verifyAttestation(
  file: string,
  options: VerifyAttestationOptions,
  output: Output,
): Promise<void> {
  const { node, nonce, software, at } = options
  const evidence = await readFile(file).catch(cause => {
    throw new ShoalError('FILE_UNREADABLE', `${file} cannot be read`, { fix: 'Check the path.', cause })
  })
  const list = software === undefined ? NO_ATTESTED_SOFTWARE : await readAttestedSoftware(software)
  const clock = at === undefined ? systemClock : { nowMs: () => at }
  const verifiers = new AttestationVerifiers(list, { clock })
  const challenge = { nodeKey: nodeKeyFrom(node, '--node'), nonce }
  const found =
    software === undefined ? verifiers.examine(evidence, challenge) : verifiers.verify(evidence, challenge)
  const view = evidenceView(found)
  output.result(view, () => describeEvidence(view))
}
