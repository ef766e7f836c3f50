import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { marginOf, sampleToken } from '../../inference/sampling/sampler.ts'
import { SamplingKey } from '../../inference/sampling/sampling-key.ts'
import { cidOf, decodeMessage, encodeMessage, type MessageDefinition } from '../../protocol/codec.ts'
import { createNodeSigner, type VerifyEd25519 } from '../../protocol/identity.ts'
import { peerIdFromPublicKey } from '../../protocol/ids.ts'
import { auditEventHash } from '../../protocol/messages/audit-event.ts'
import { messages } from '../../protocol/messages/index.ts'
import { type Receipt, receiptMessage } from '../../protocol/messages/receipt.ts'
import { costRoundedUp } from '../../protocol/money.ts'
import { samplingSeed } from '../../protocol/sampling-seed.ts'
import { createRecord, openRecord } from '../../protocol/signed.ts'
import { ticketCommitment, ticketValueRoundedDown, ticketWins } from '../../protocol/tickets.ts'
import {
  channelIdOf,
  receiptClaim,
  settlementDomainSeparator,
  ticketDepositIdOf,
  ticketDigest,
} from '../../protocol/typed-data.ts'
import { type AdaptedModelVector, holdsAdaptedModel } from './adapted-model.ts'
import { type AuditorDrawVector, holdsAuditorDraw } from './auditor-draw.ts'
import { type AwardVector, holdsAward } from './award.ts'
import { commitmentsOf, type ReplicaVector } from './replica.ts'
import type { SamplingVector } from './sampling.ts'
import type { TicketVector } from './ticket.ts'

export interface Ed25519Vector {
  name: string
  publicKey: string
  message: string
  signature: string
  valid: boolean
}

export interface Vectors {
  messages: { name: string; type: string; value: unknown; cbor: string; cid: string }[]
  records: {
    name: string
    type: string
    seed: string
    signer: string
    peerId: string
    signingInput: string
    record: string
    cid: string
    sha3_512: string
  }[]
  ed25519: Ed25519Vector[]
  costs: {
    inputPerMillion: string
    outputPerMillion: string
    inputTokens: number
    outputTokens: number
    cost: string
  }[]
  channelIds: {
    chainId: number
    settlement: string
    payer: string
    payee: string
    salt: string
    channelId: string
  }[]
  ticket: TicketVector[]
  awards: AwardVector[]
  /** `receipt` as on the wire; `members` as a contract takes them, amounts in decimal. */
  'receipt-claim': {
    name: string
    receipt: string
    members: Record<string, string | number>
    claim: string
  }[]
  sampling: SamplingVector[]
  'adapted-model': AdaptedModelVector[]
  'auditor-draw': AuditorDrawVector[]
  replica: ReplicaVector[]
}

/**
 * Runs every vector against this implementation. Needs nothing but the protocol and the sampler, so that the same check
 * runs in Node and in a browser.
 * @returns one line for each vector that fails
 */
export function checkVectors(vectors: Vectors, verify: VerifyEd25519): string[] {
  const failures: string[] = []
  const expect = (name: string, actual: unknown, expected: unknown) => {
    if (actual !== expected) failures.push(`${name}: expected ${String(expected)}, got ${String(actual)}`)
  }
  for (const vector of vectors.messages) {
    const definition = definitionOf(vector.type)
    const bytes = hexToBytes(vector.cbor)
    expect(
      `${vector.name}: encoding`,
      bytesToHex(encodeMessage(definition, decodeMessage(definition, bytes))),
      vector.cbor,
    )
    expect(`${vector.name}: cid`, cidOf(bytes).toString(), vector.cid)
  }
  for (const vector of vectors.records) {
    const definition = definitionOf(vector.type)
    const signer = createNodeSigner(hexToBytes(vector.seed))
    const record = openRecord(definition, hexToBytes(vector.record), verify)
    expect(`${vector.name}: signer`, record.signer, vector.signer)
    expect(`${vector.name}: peer id`, peerIdFromPublicKey(signer.publicKey), vector.peerId)
    expect(`${vector.name}: cid`, record.cid, vector.cid)
    expect(`${vector.name}: hash`, bytesToHex(auditEventHash(record.bytes)), vector.sha3_512)
    expect(
      `${vector.name}: signing`,
      bytesToHex(createRecord(definition, record.body, signer).bytes),
      vector.record,
    )
  }
  for (const { name, publicKey, message, signature, valid } of vectors.ed25519) {
    expect(
      `ed25519 ${name}`,
      verify(hexToBytes(signature), hexToBytes(message), hexToBytes(publicKey)),
      valid,
    )
  }
  for (const vector of vectors.costs) {
    const price = {
      inputPerMillion: BigInt(vector.inputPerMillion),
      outputPerMillion: BigInt(vector.outputPerMillion),
    }
    expect(`cost of ${JSON.stringify(vector)}`, costRoundedUp(price, vector).toString(), vector.cost)
  }
  for (const { payer, payee, salt, channelId, ...domain } of vectors.channelIds) {
    expect(`channel id ${channelId}`, channelIdOf(domain, payer, payee, salt), channelId)
  }
  for (const { name, domain, payer, random, ticket: texts, signer, ...expected } of vectors.ticket) {
    const at = { chainId: domain.chainId, settlement: domain.verifyingContract }
    const ticket = {
      ...texts,
      faceValue: BigInt(texts.faceValue),
      winThreshold: BigInt(texts.winThreshold),
      nonce: BigInt(texts.nonce),
      expiresAt: BigInt(texts.expiresAt),
    }
    const digest = ticketDigest(settlementDomainSeparator(at), ticket)
    expect(`ticket ${name}: deposit id`, ticketDepositIdOf(at, payer, signer), ticket.depositId)
    expect(`ticket ${name}: commitment`, ticketCommitment(random), ticket.commitment)
    expect(`ticket ${name}: digest`, digest, expected.digest)
    expect(`ticket ${name}: wins`, ticketWins(digest, random, ticket.winThreshold), expected.wins)
    expect(`ticket ${name}: value`, ticketValueRoundedDown(ticket).toString(), expected.value)
  }
  for (const vector of vectors.awards) expect(`award ${JSON.stringify(vector)}`, holdsAward(vector), true)
  for (const vector of vectors['adapted-model'])
    expect(`adapted model ${vector.model}`, holdsAdaptedModel(vector), true)
  for (const vector of vectors['auditor-draw'])
    expect(`draw of ${vector.job}`, holdsAuditorDraw(vector), true)
  for (const { name, receipt, claim } of vectors['receipt-claim']) {
    const body: Receipt = decodeMessage(receiptMessage, hexToBytes(receipt))
    expect(`${name}: claim`, receiptClaim(body), claim)
  }
  for (const { name, nonce, taskId, seed, position, ...vector } of vectors.sampling) {
    expect(`sampling ${name}: seed`, samplingSeed(nonce, taskId), seed)
    const key = new SamplingKey(seed)
    key.moveTo(position)
    expect(`sampling ${name}: u`, key.uniform(vector.tokens[0]!), vector.uniform)
    expect(`sampling ${name}: token`, sampleToken(vector, vector, key, position), vector.chosen)
    const { margin, state } = marginOf(vector, vector, key, position, vector.claimed)
    expect(`sampling ${name}: state`, state, vector.state)
    expect(`sampling ${name}: margin`, Number.isFinite(margin) ? margin : null, vector.margin)
  }
  for (const vector of vectors.replica) {
    const expected = vector.windows.flatMap(({ digest, commitment }) => [digest, commitment])
    expect(`replica ${vector.name}`, commitmentsOf(vector).join(), expected.join())
  }
  return failures
}

function definitionOf(type: string): MessageDefinition<never> {
  const definition = messages.find(candidate => candidate.type === type)
  if (!definition) throw new Error(`no message of type ${type}`)
  return definition
}
