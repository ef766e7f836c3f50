import { adaptedModelId } from '../../protocol/adapted-model.ts'
import type { MessageDefinition } from '../../protocol/codec.ts'
import { createNodeSigner } from '../../protocol/identity.ts'
import { attestRequestMessage, attestResponseMessage } from '../../protocol/messages/attestation.ts'
import {
  type AuditEvent,
  type AuditEventDetails,
  auditEventMessage,
} from '../../protocol/messages/audit-event.ts'
import {
  type AuditJob,
  auditJobMessage,
  auditReplyMessage,
  auditScoresMessage,
} from '../../protocol/messages/audit-job.ts'
import {
  type Bid,
  bidMessage,
  bidRequestMessage,
  bidResponseMessage,
  type TaskAnnouncement,
  taskAnnouncementMessage,
} from '../../protocol/messages/bid.ts'
import { calibrationMessage } from '../../protocol/messages/calibration.ts'
import { countersignatureMessage } from '../../protocol/messages/countersignature.ts'
import {
  evidenceRequestMessage,
  evidenceResponseMessage,
  taskEvidenceMessage,
} from '../../protocol/messages/evidence.ts'
import {
  type InclusionStatement,
  proofRequestMessage,
  proofResponseMessage,
} from '../../protocol/messages/inclusion.ts'
import { type ModelOffer, modelTermsOf, type Offer, offerMessage } from '../../protocol/messages/offer.ts'
import { offersRequestMessage, offersResponseMessage } from '../../protocol/messages/offer-exchange.ts'
import { offerUpdateMessage } from '../../protocol/messages/offer-update.ts'
import { providerFrameMessage } from '../../protocol/messages/provider-frame.ts'
import { outputDigest, type Receipt, receiptMessage, tokensDigest } from '../../protocol/messages/receipt.ts'
import { reputationReportMessage } from '../../protocol/messages/reputation-report.ts'
import { requesterFrameMessage } from '../../protocol/messages/requester-frame.ts'
import type { TaskRequest, TaskSampling } from '../../protocol/messages/task-request.ts'
import { createRecord } from '../../protocol/signed.ts'
import { receiptClaim } from '../../protocol/typed-data.ts'
import { packVectors } from '../../protocol/vectors.ts'

import { learningSamples } from './learning-samples.ts'

/** Valid values of every message, the same on every run: what vectors, codecs and fuzzers start from. */

export const seedOf = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)
export const sampleSigner = createNodeSigner(seedOf(1))
const hex = (byte: string, length: number) => byte.repeat(length)

/** The likeliest token each time. */
export const GREEDY: TaskSampling = {
  ...{ temperature: 0, topP: 1, minP: 0, topK: 0 },
  ...{ nonce: `0x${hex('01', 32)}`, seedScope: 'nonce' },
}

const sampleModel = `shoal-nano@sha256:${hex('ab', 32)}`

export const sampleOffer: Offer = {
  version: 3,
  sequence: 7,
  issuedAtMs: 1_700_000_000_000,
  expiresAtMs: 1_700_000_120_000,
  models: [
    {
      model: sampleModel,
      adapter: null,
      kinds: ['chat', 'completion'],
      modalities: ['text'],
      contextTokens: 1024,
      quantization: 'Q8_0',
      parameterCount: 1_234_567,
      inputPerMillion: 250_000_000_000_000_000n,
      outputPerMillion: 10n ** 18n,
      spot: {
        inputPerMillion: 125_000_000_000_000_000n,
        outputPerMillion: 5n * 10n ** 17n,
        noticeMs: 5_000,
      },
      tokensPerSecond: 1900,
      ttftMs: 35,
      slots: 8,
      freeSlots: 8,
      queued: 0,
    },
  ],
  entities: [
    {
      kind: 'service',
      name: 'web-search',
      tags: ['protocol:mcp', 'lang:de'],
      endpoint: null,
      price: { amount: 10n ** 15n, unit: 'query' },
      capacity: 10,
    },
  ],
  priceReason: 'base',
  backend: 'cpu',
  wallet: `0x${hex('11', 20)}`,
  stake: 10_000n * 10n ** 18n,
  chainId: 31337,
  settlement: `0x${hex('22', 20)}`,
  creditWindowTokens: 64,
  minChannelRemainingMs: 600_000,
  addresses: ['/ip4/127.0.0.1/tcp/4001'],
  region: null,
  slaClasses: ['B', 'A'],
  dataClass: 'SHARED',
}

/** The same model with an adapter. */
const sampleAdaptedModel: ModelOffer = {
  ...sampleOffer.models[0]!,
  model: adaptedModelId(sampleModel, [`law@sha256:${hex('cd', 32)}`]),
  adapter: { base: sampleModel, adapter: `law@sha256:${hex('cd', 32)}` },
}

export const sampleOfferRecord = createRecord(offerMessage, sampleOffer, sampleSigner)
const signature = `0x${hex('5a', 64)}1b`

/** How a task is asked for when nobody wished for more. */
export const plainTerms = {
  award: null,
  mode: 'on-demand',
  slaClass: 'B',
  dataClass: 'SHARED',
  deadlineMs: null,
} as const

export const sampleRequest: TaskRequest = {
  kind: 'request',
  taskId: hex('0c', 16),
  attempt: 0,
  offer: sampleOfferRecord.cid,
  award: { bid: sampleOfferRecord.cid, runnerUp: Uint8Array.of(1, 2, 3) },
  mode: 'spot',
  slaClass: 'A',
  dataClass: 'CONFIDENTIAL',
  deadlineMs: 30_000,
  model: sampleModel,
  input: {
    kind: 'chat',
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Grüß Gott 🐟, what is 2 + 2?' },
    ],
  },
  continuation: { text: 'It is', tokens: [12, 13] },
  maxTokens: 128,
  sampling: {
    temperature: 0.7,
    topP: 0.95,
    minP: 0.05,
    topK: 40,
    nonce: `0x${hex('6e', 32)}`,
    seedScope: 'task',
  },
  stop: ['\n\n'],
  jsonSchema: '{"type":"object"}',
  payment: {
    payer: `0x${hex('33', 20)}`,
    channelId: `0x${hex('44', 32)}`,
    voucher: { cumulativeAmount: 12_345_678_901_234_567_890n, signature },
  },
}

const sampleAnnouncement: TaskAnnouncement = {
  version: 1,
  taskId: sampleRequest.taskId,
  requester: hex('77', 32),
  auction: 'second-price',
  issuedAtMs: 1_700_000_000_500,
  bidWindowMs: 50,
  kind: 'chat',
  model: 'shoal-nano',
  promptTokens: 200,
  maxTokens: 128,
  mode: 'on-demand',
  slaClass: 'B',
  dataClass: 'PUBLIC',
  reserve: 10n ** 15n,
}

const sampleBid: Bid = {
  version: 1,
  announcement: sampleOfferRecord.cid,
  model: sampleModel,
  inputPerMillion: 200_000_000_000_000_000n,
  outputPerMillion: 9n * 10n ** 17n,
  expiresAtMs: 1_700_000_010_500,
  ttftMs: 40,
  tokensPerSecond: 1_800,
}

export const sampleReceipt: Receipt = {
  version: 2,
  taskId: sampleRequest.taskId,
  attempt: 0,
  requester: hex('77', 32),
  provider: hex('88', 32),
  payer: sampleRequest.payment.payer,
  payee: sampleOffer.wallet,
  chainId: 31337,
  settlement: sampleOffer.settlement,
  channelId: sampleRequest.payment.channelId,
  offer: sampleOfferRecord.cid,
  request: sampleOfferRecord.cid,
  model: sampleModel,
  adapter: null,
  chatTemplate: `0x${hex('55', 32)}`,
  prompt: tokensDigest([1, 2, 3]),
  sampler: 'gumbel-64/1',
  backend: 'cpu',
  promptTokens: 21,
  outputTokens: 2,
  output: outputDigest([5, 6], ' 4.'),
  reason: 'stop',
  amount: 9_250_000_000_000n,
  cumulativeAmount: 91_500_000_000_000n,
  startedAtMs: 1_700_000_001_000,
  endedAtMs: 1_700_000_001_250,
}

const sampleEmbeddingRequest: TaskRequest = {
  ...sampleRequest,
  ...{ award: null, mode: 'on-demand', slaClass: 'B', deadlineMs: null },
  input: { kind: 'embedding', inputs: ['Grüß Gott 🐟', 'What is a shoal?'] },
  ...{ continuation: null, maxTokens: 1, stop: [], jsonSchema: null },
}

const sampleJob: AuditJob = {
  version: 1,
  job: `0x${hex('6a', 32)}`,
  block: 1_234,
  dataClass: 'SHARED',
  model: sampleModel,
  input: sampleRequest.input as AuditJob['input'],
  continuation: sampleRequest.continuation,
  maxTokens: 128,
  sampling: { temperature: 0.7, topP: 0.95, minP: 0.05, topK: 40, seed: `0x${hex('5e', 32)}` },
  stop: ['\n\n'],
  jsonSchema: null,
  output: [5, 6],
}

const receiptRecord = createRecord(receiptMessage, sampleReceipt, sampleSigner)
const countersignature = createRecord(
  countersignatureMessage,
  { version: 1, receipt: receiptRecord.cid },
  createNodeSigner(seedOf(2)),
)

const sampleEvent: AuditEvent = {
  sequence: 1,
  previous: new Uint8Array(64),
  timeMs: 1_700_000_002_000,
  event: {
    kind: 'receipt.issued',
    v: 1,
    receipt: receiptRecord.cid,
    claim: receiptClaim(sampleReceipt),
    taskId: sampleRequest.taskId,
    amount: sampleReceipt.amount,
    reason: 'stop',
  },
}

const transaction = `0x${hex('7a', 32)}` as const
const stakeEvents: readonly AuditEventDetails[] = [
  { kind: 'stake.added', v: 1, transaction, amount: 10n ** 22n },
  { kind: 'stake.rolesSet', v: 1, transaction, roles: ['compute', 'validator'] },
  { kind: 'stake.unbonding', v: 1, transaction, amount: 10n ** 18n },
  { kind: 'stake.unbondingCancelled', v: 1, transaction },
  { kind: 'stake.withdrawn', v: 1, transaction },
  { kind: 'stake.bountyWithdrawn', v: 1, transaction },
]

export interface Sample {
  name: string
  definition: MessageDefinition<never>
  value: never
}

const sample = <T>(name: string, definition: MessageDefinition<T>, value: T): Sample =>
  ({ name, definition, value }) as unknown as Sample

const sampleStatement: InclusionStatement = {
  ...{ sequence: 12, eventHash: new Uint8Array(64).fill(9), claim: receiptClaim(sampleReceipt) },
  ...{ proof: [`0x${hex('0a', 32)}`, `0x${hex('0b', 32)}`], root: `0x${hex('0c', 32)}` },
  ...{ firstSequence: 10, lastSequence: 14, signature: null },
  anchor: { index: 1, anchoredAt: 1_700_000_000 },
}

const sampleEvidence = {
  receipt: receiptRecord.bytes,
  request: Uint8Array.of(7, 8),
  tokens: [1, 2, 3],
  text: 'Hi!',
}

export const samples: readonly Sample[] = [
  sample('offer', offerMessage, sampleOffer),
  sample('offer-adapted', offerMessage, { ...sampleOffer, models: [sampleAdaptedModel] }),
  sample('offer-update', offerUpdateMessage, {
    version: 1,
    offer: sampleOfferRecord.cid,
    sequence: 8,
    issuedAtMs: sampleOffer.issuedAtMs + 60_000,
    expiresAtMs: sampleOffer.expiresAtMs + 60_000,
    priceReason: 'demand',
    models: [{ index: 0, ...modelTermsOf(sampleOffer.models[0]!), freeSlots: 1, queued: 2 }],
  }),
  sample('task-announcement', taskAnnouncementMessage, sampleAnnouncement),
  sample('bid', bidMessage, sampleBid),
  sample('bid-request', bidRequestMessage, { kind: 'announcement', record: Uint8Array.of(1, 2) }),
  sample('bid-request, outcome', bidRequestMessage, {
    kind: 'outcome',
    bid: sampleOfferRecord.cid,
    winner: Uint8Array.of(5, 6),
  }),
  sample('bid-response', bidResponseMessage, {
    announcement: sampleOfferRecord.cid,
    bid: Uint8Array.of(3, 4),
    reason: '',
  }),
  sample('offers-request', offersRequestMessage, { limit: 64, providers: [hex('77', 32)] }),
  sample('offers-response', offersResponseMessage, {
    records: [
      { offer: sampleOfferRecord.bytes, update: null },
      { offer: sampleOfferRecord.bytes, update: Uint8Array.of(1, 2) },
    ],
  }),
  sample('request', requesterFrameMessage, sampleRequest),
  sample('request, completion', requesterFrameMessage, {
    ...sampleRequest,
    attempt: 1,
    award: null,
    deadlineMs: null,
    input: { kind: 'completion', prompt: 'Once upon a time' },
    continuation: null,
    stop: [],
    jsonSchema: null,
    payment: { ...sampleRequest.payment, voucher: null },
  }),
  sample('request, embedding', requesterFrameMessage, sampleEmbeddingRequest),
  sample('request, logprobs', requesterFrameMessage, { ...sampleRequest, slaClass: 'B', logprobs: 5 }),
  sample('payment', requesterFrameMessage, {
    kind: 'payment',
    cumulativeAmount: 2n ** 100n,
    taskAmount: 1n,
    signature,
  }),
  sample('open', requesterFrameMessage, { kind: 'open', window: 2 }),
  sample('cancel', requesterFrameMessage, { kind: 'cancel' }),
  sample('countersign', requesterFrameMessage, { kind: 'countersign', record: countersignature.bytes }),
  sample('accepted', providerFrameMessage, {
    kind: 'accepted',
    promptTokens: 21,
    creditWindowTokens: 64,
    voucher: { cumulativeAmount: 0n, signature },
  }),
  sample('queued', providerFrameMessage, { kind: 'queued', ahead: 3, expectedMs: 900 }),
  sample('notice', providerFrameMessage, { kind: 'notice', endsInMs: 5_000 }),
  sample('refused', providerFrameMessage, {
    kind: 'refused',
    code: 'busy',
    message: 'all 8 slots are taken',
  }),
  sample('prefill', providerFrameMessage, { kind: 'prefill', promptTokens: 21 }),
  sample('output', providerFrameMessage, { kind: 'output', tokens: [5, 6, 2_147_483_647], text: ' 4.' }),
  sample('output, logprobs', providerFrameMessage, {
    ...{ kind: 'output', tokens: [5, 6], text: ' 4.' },
    logprobs: [
      {
        ...{ bytes: Uint8Array.of(0x20, 0x34), logprob: -0.0834 },
        top: [
          { bytes: Uint8Array.of(0x20, 0x34), logprob: -0.0834 },
          { bytes: Uint8Array.of(0xf0, 0x9f), logprob: -3.25 },
        ],
      },
      { bytes: new Uint8Array(0), logprob: 0, top: [] },
    ],
  }),
  sample('vectors', providerFrameMessage, {
    ...{ kind: 'vectors', first: 1, dimensions: 3, tokens: 7 },
    bytes: packVectors([Float32Array.of(0.5, -1, 2e-9), Float32Array.of(0, 1, -0.25)]),
  }),
  sample('sealed', providerFrameMessage, {
    ...{ kind: 'sealed', window: 2, isLast: true, commitment: `0x${'7e'.repeat(32)}` },
  }),
  sample('opened', providerFrameMessage, {
    ...{ kind: 'opened', window: 2, tokens: [5, 6], text: ' 4.', salt: `0x${'5a'.repeat(32)}` },
  }),
  sample('end', providerFrameMessage, { kind: 'end', receipt: receiptRecord.bytes }),
  sample('done', providerFrameMessage, { kind: 'done' }),
  sample('receipt', receiptMessage, sampleReceipt),
  sample('countersignature', countersignatureMessage, { version: 1, receipt: receiptRecord.cid }),
  sample('reputation-report', reputationReportMessage, {
    version: 1,
    issuedAtMs: sampleReceipt.endedAtMs + 60_000,
    tasks: [{ receipt: receiptRecord.bytes, countersignature: countersignature.bytes, result: 'completed' }],
  }),
  sample('attest-request', attestRequestMessage, { nonce: `0x${hex('5a', 32)}` }),
  sample('attest-response', attestResponseMessage, { kind: 'evidence', evidence: Uint8Array.of(0x84, 0x44) }),
  sample('attest-response, refused', attestResponseMessage, { kind: 'refused', reason: 'busy' }),
  sample('calibration', calibrationMessage, {
    version: 1,
    statistic: 1,
    key: {
      model: sampleReceipt.model,
      quantization: 'Q8_0',
      providerBackend: 'cuda',
      auditorBackend: 'cpu',
      sampler: 'gumbel-64/1',
    },
    engineRelease: 'b8390',
    measuredAtMs: sampleReceipt.endedAtMs,
    prompts: [
      {
        receipts: 3,
        cells: [
          [0, 2],
          [1, 1],
          [36, 240],
        ],
      },
      { receipts: 3, cells: [[36, 180]] },
    ],
  }),
  sample('proof-request', proofRequestMessage, { receipts: [sampleOfferRecord.cid, receiptRecord.cid] }),
  sample('proof-response', proofResponseMessage, {
    answers: [
      { receipt: sampleOfferRecord.cid, kind: 'unknown' },
      { receipt: receiptRecord.cid, kind: 'stated', statement: sampleStatement },
      {
        receipt: receiptRecord.cid,
        kind: 'stated',
        statement: { ...sampleStatement, anchor: null, signature },
      },
    ],
  }),
  sample('evidence-request', evidenceRequestMessage, { disputeId: 7 }),
  sample('evidence-response', evidenceResponseMessage, { kind: 'evidence', evidence: sampleEvidence }),
  sample('evidence-response, denied', evidenceResponseMessage, { kind: 'denied' }),
  sample('task-evidence', taskEvidenceMessage, sampleEvidence),
  sample('audit-job', auditJobMessage, sampleJob),
  sample('audit-scores', auditScoresMessage, {
    version: 1,
    job: sampleOfferRecord.cid,
    backend: 'cpu',
    quantization: 'Q8_0',
    chatTemplate: sampleReceipt.chatTemplate,
    promptTokens: 21,
    prompt: tokensDigest([1, 2, 3]),
    endsTurn: true,
    ending: { tokens: 2, reason: 'stop' },
    text: ' 4.',
    scores: Uint8Array.from({ length: 14 }, (_, index) => index),
  }),
  sample('audit-reply', auditReplyMessage, { kind: 'scores', record: Uint8Array.of(1, 2) }),
  sample('audit-reply, refused', auditReplyMessage, { kind: 'refused', code: 'not_drawn' }),
  sample('audit-event', auditEventMessage, sampleEvent),
  sample('audit-event, auditor.failed', auditEventMessage, {
    ...sampleEvent,
    event: { kind: 'auditor.failed', v: 1, peer: hex('77', 32), fault: 'passed_bad', excluded: true },
  }),
  sample('audit-event, peer.attested', auditEventMessage, {
    ...sampleEvent,
    event: {
      ...{ kind: 'peer.attested', v: 1, peer: hex('77', 32), hardware: 'sev-snp' },
      ...{ evidence: `0x${hex('5b', 32)}`, nonce: `0x${hex('5a', 32)}`, validUntilMs: 1_700_003_600_000 },
    },
  }),
  ...stakeEvents.map(event =>
    sample(`audit-event, ${event.kind}`, auditEventMessage, { ...sampleEvent, event }),
  ),
  ...learningSamples(sampleSigner),
]
