import type { MessageDefinition } from '../codec.ts'
import { attestRequestMessage, attestResponseMessage } from './attestation.ts'
import { auditEventMessage } from './audit-event.ts'
import { auditJobMessage, auditReplyMessage, auditScoresMessage } from './audit-job.ts'
import { bidMessage, bidRequestMessage, bidResponseMessage, taskAnnouncementMessage } from './bid.ts'
import { calibrationMessage } from './calibration.ts'
import { countersignatureMessage } from './countersignature.ts'
import { evidenceRequestMessage, evidenceResponseMessage, taskEvidenceMessage } from './evidence.ts'
import { proofRequestMessage, proofResponseMessage } from './inclusion.ts'
import { adapterVersionMessage } from './learning/adapter-version.ts'
import { aggregateProposalMessage } from './learning/aggregate-proposal.ts'
import { blobDownMessage, blobUpMessage } from './learning/blob-frame.ts'
import { learningSyncRequestMessage, learningSyncResponseMessage } from './learning/learning-sync.ts'
import { roundJoinMessage } from './learning/round-join.ts'
import { roundManifestMessage } from './learning/round-manifest.ts'
import { roundVoteMessage } from './learning/round-vote.ts'
import { updateCommitmentMessage } from './learning/update-commitment.ts'
import { updateRevealMessage } from './learning/update-reveal.ts'
import { updateScoresMessage } from './learning/update-scores.ts'
import { offerMessage } from './offer.ts'
import { offersRequestMessage, offersResponseMessage } from './offer-exchange.ts'
import { offerUpdateMessage } from './offer-update.ts'
import { providerFrameMessage } from './provider-frame.ts'
import { receiptMessage } from './receipt.ts'
import { reputationReportMessage } from './reputation-report.ts'
import { requesterFrameMessage } from './requester-frame.ts'

/** Every message there is, for whoever must hold for all of them: vectors and fuzzers. */
export const messages: readonly MessageDefinition<never>[] = [
  offerMessage,
  offerUpdateMessage,
  taskAnnouncementMessage,
  bidMessage,
  bidRequestMessage,
  bidResponseMessage,
  offersRequestMessage,
  offersResponseMessage,
  requesterFrameMessage,
  providerFrameMessage,
  receiptMessage,
  countersignatureMessage,
  reputationReportMessage,
  attestRequestMessage,
  attestResponseMessage,
  calibrationMessage,
  proofRequestMessage,
  proofResponseMessage,
  evidenceRequestMessage,
  evidenceResponseMessage,
  taskEvidenceMessage,
  auditJobMessage,
  auditScoresMessage,
  auditReplyMessage,
  roundManifestMessage,
  roundJoinMessage,
  updateCommitmentMessage,
  updateRevealMessage,
  updateScoresMessage,
  aggregateProposalMessage,
  roundVoteMessage,
  adapterVersionMessage,
  learningSyncRequestMessage,
  learningSyncResponseMessage,
  blobUpMessage,
  blobDownMessage,
  auditEventMessage,
] as unknown as readonly MessageDefinition<never>[]
