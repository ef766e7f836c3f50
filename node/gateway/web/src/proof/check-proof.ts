import { bytesToHex } from '@noble/hashes/utils.js'
import { auditLeafHash, auditRootOf } from '../../../../../protocol/audit-tree.ts'
import { type MessageDefinition, ProtocolError } from '../../../../../protocol/codec.ts'
import type { Address, CidString, NodeKey } from '../../../../../protocol/ids.ts'
import {
  type AuditEvent,
  auditEventClaim,
  auditEventHash,
  auditEventMessage,
} from '../../../../../protocol/messages/audit-event.ts'
import { countersignatureMessage } from '../../../../../protocol/messages/countersignature.ts'
import { type Receipt, receiptMessage } from '../../../../../protocol/messages/receipt.ts'
import { openRecord, type SignedRecord } from '../../../../../protocol/signed.ts'
import { receiptClaim } from '../../../../../protocol/typed-data.ts'
import type { ProofBundle } from './proof-bundle.ts'

/** What is checked, in order. */
const PROOF_STEPS = [
  'form',
  'provider',
  'requester',
  'event',
  'about',
  'inclusion',
  'anchor',
  'wallet',
  'payment',
] as const
export type ProofStepId = (typeof PROOF_STEPS)[number]

/** `fails`: it is false. `open`: it cannot be said (yet). */
export type ProofResult = 'holds' | 'fails' | 'open'

export interface ProofStep {
  id: ProofStepId
  result: ProofResult
  /** What was found, in a sentence. */
  found: string
  /** What was compared, for whoever wants to see. */
  facts: { name: string; value: string }[]
}

export interface ProofVerdict {
  /** `proven`: everything holds. `false`: something is false. `incomplete`: nothing is false, something is open. */
  verdict: 'proven' | 'incomplete' | 'false'
  steps: ProofStep[]
  receipt: SignedRecord<Receipt> | null
  event: SignedRecord<AuditEvent> | null
}

/** What is asked of the chain; `ShoalContracts` answers it by the person's own wallet or RPC address. */
export interface ProofChain {
  readonly deployment: { chainId: number; settlement: Address }
  isAnchored(
    wallet: Address,
    ref: {
      index: number
      root: string
      firstSequence: number
      lastSequence: number
      anchoredAt: number
    },
  ): Promise<boolean>
  nodeKeyOf(wallet: Address): Promise<NodeKey | null>
  channel(channelId: string): Promise<{
    payer: Address
    payee: Address
    deposit: bigint
    claimed: bigint
    status: 'open' | 'closing' | 'closed'
  } | null>
}

export interface ProofExpectation {
  /** The receipt that was asked for; null takes whichever it is. */
  cid: CidString | null
}

/**
 * Checks a proof, step by step, with nothing but its bytes and the chain. Whoever gave it is not asked.
 * @param chain null: what only the chain can say stays open
 */
export async function checkProof(
  bundle: ProofBundle,
  expected: ProofExpectation,
  chain: ProofChain | null,
): Promise<ProofVerdict> {
  const receipt = bundle.receipt === null ? null : openForm(receiptMessage, bundle.receipt)
  const event = bundle.event === null ? null : openForm(auditEventMessage, bundle.event)
  const steps: ProofStep[] = []
  if (bundle.receipt !== null || expected.cid !== null) {
    steps.push(formStep(bundle.receipt, receipt, expected.cid))
    if (receipt !== null && bundle.receipt !== null) {
      steps.push(providerStep(bundle.receipt, receipt), requesterStep(bundle.countersignature, receipt))
    }
  }
  steps.push(eventStep(bundle.event, event))
  if (receipt !== null && event !== null) steps.push(aboutStep(receipt, event))
  steps.push(inclusionStep(bundle, event))
  steps.push(await asked('anchor', () => anchorStep(bundle, chain)))
  steps.push(await asked('wallet', () => walletStep(bundle, receipt, event, chain)))
  if (receipt !== null) steps.push(await asked('payment', () => paymentStep(receipt.body, chain)))
  const has = (result: ProofResult) => steps.some(step => step.result === result)
  return { verdict: has('fails') ? 'false' : has('open') ? 'incomplete' : 'proven', steps, receipt, event }
}

function formStep(
  bytes: Uint8Array | null,
  receipt: SignedRecord<Receipt> | null,
  expected: CidString | null,
): ProofStep {
  if (bytes === null) return step('form', 'open', 'There is no receipt in this proof.')
  if (receipt === null) return step('form', 'fails', 'These bytes are no receipt in its one canonical form.')
  const facts = [{ name: 'CID, computed here', value: receipt.cid }]
  if (expected !== null && receipt.cid !== expected) {
    facts.push({ name: 'CID asked for', value: expected })
    return step('form', 'fails', 'This is another receipt than the one asked for.', facts)
  }
  return step(
    'form',
    'holds',
    `A receipt in canonical form, ${bytes.length} bytes; its hash is its name.`,
    facts,
  )
}

function providerStep(bytes: Uint8Array, receipt: SignedRecord<Receipt>): ProofStep {
  const facts = [{ name: 'Provider’s node key', value: receipt.body.provider }]
  if (!isSigned(receiptMessage, bytes)) {
    return step('provider', 'fails', 'The signature is not that of the key it names.', facts)
  }
  if (receipt.signer !== receipt.body.provider) {
    facts.push({ name: 'Signed by', value: receipt.signer })
    return step('provider', 'fails', 'Another node than the provider has signed.', facts)
  }
  return step('provider', 'holds', 'The provider has signed exactly these bytes (Ed25519).', facts)
}

function requesterStep(bytes: Uint8Array | null, receipt: SignedRecord<Receipt>): ProofStep {
  const facts = [{ name: 'Requester’s node key', value: receipt.body.requester }]
  if (bytes === null) return step('requester', 'open', 'The requester has not countersigned.', facts)
  const record = openForm(countersignatureMessage, bytes)
  if (record === null || !isSigned(countersignatureMessage, bytes)) {
    return step('requester', 'fails', 'The countersignature is not right.', facts)
  }
  if (record.signer !== receipt.body.requester) {
    facts.push({ name: 'Signed by', value: record.signer })
    return step('requester', 'fails', 'Another node than the requester has countersigned.', facts)
  }
  if (record.body.receipt !== receipt.cid) {
    facts.push({ name: 'Is about', value: record.body.receipt })
    return step('requester', 'fails', 'The countersignature is of another receipt.', facts)
  }
  return step('requester', 'holds', 'The requester has countersigned this very receipt.', facts)
}

function eventStep(bytes: Uint8Array | null, event: SignedRecord<AuditEvent> | null): ProofStep {
  if (bytes === null) return step('event', 'open', 'It is in no audit log that is shown here yet.')
  if (event === null) return step('event', 'fails', 'These bytes are no event of an audit log.')
  const facts = [
    { name: 'Whose log', value: event.signer },
    { name: 'Event', value: `${event.body.event.kind}, number ${event.body.sequence}` },
    { name: 'SHA3-512, computed here', value: bytesToHex(auditEventHash(bytes)) },
  ]
  return isSigned(auditEventMessage, bytes)
    ? step(
        'event',
        'holds',
        `Event ${event.body.sequence} of a node’s audit log, signed by that node.`,
        facts,
      )
    : step('event', 'fails', 'The event’s signature is not that of the key it names.', facts)
}

function aboutStep(receipt: SignedRecord<Receipt>, event: SignedRecord<AuditEvent>): ProofStep {
  const computed = receiptClaim(receipt.body)
  const claim = auditEventClaim(event.body.event)
  const facts = [
    { name: 'Claim of the receipt, computed here', value: computed },
    { name: 'Claim in the event', value: claim },
  ]
  const { provider, requester } = receipt.body
  if (event.signer !== provider && event.signer !== requester) {
    return step('about', 'fails', 'The log is of neither the provider nor the requester.', facts)
  }
  const named = 'receipt' in event.body.event ? event.body.event.receipt : null
  if (named !== receipt.cid || claim !== computed) {
    return step('about', 'fails', 'The event is about another receipt, or says something else of it.', facts)
  }
  const who = event.signer === provider ? 'provider' : 'requester'
  return step('about', 'holds', `The ${who}’s log says the same as the receipt, to the last unit.`, facts)
}

function inclusionStep({ event: bytes, inclusion }: ProofBundle, event: SignedRecord<AuditEvent> | null) {
  if (inclusion === null) {
    return step(
      'inclusion',
      'open',
      'The log has not been closed into a Merkle tree since; that comes by itself.',
    )
  }
  const { sequence, proof, root, firstSequence, lastSequence } = inclusion
  const facts = [
    { name: 'Events of the tree', value: `${firstSequence} to ${lastSequence}` },
    { name: 'Siblings on the way', value: String(proof.length) },
    { name: 'Root of the proof', value: root },
  ]
  if (bytes === null || event === null)
    return step('inclusion', 'fails', 'There is no event to go with it.', facts)
  // From the event itself, not from what the proof says of it.
  const eventHash = auditEventHash(bytes)
  const leaf = auditLeafHash({
    sequence: event.body.sequence,
    eventHash,
    claim: auditEventClaim(event.body.event),
  })
  const computed = auditRootOf(leaf, proof)
  facts.push({ name: 'Root, computed here', value: computed })
  const isInside = sequence === event.body.sequence && sequence >= firstSequence && sequence <= lastSequence
  return isInside && computed === root
    ? step(
        'inclusion',
        'holds',
        `The event leads to the root over ${steps(proof.length)} of keccak-256.`,
        facts,
      )
    : step('inclusion', 'fails', 'The event does not lead to this root.', facts)
}

async function anchorStep({ inclusion, anchor }: ProofBundle, chain: ProofChain | null): Promise<ProofStep> {
  if (inclusion === null || anchor === null) {
    return step('anchor', 'open', 'The root is not on chain yet; the node anchors it by itself.')
  }
  const { wallet, index, anchoredAt, transaction } = anchor
  const facts = [
    { name: 'Wallet that anchored', value: wallet },
    { name: 'Number of the anchor', value: String(index) },
    { name: 'Anchored at', value: new Date(anchoredAt * 1_000).toISOString() },
    ...(transaction === null ? [] : [{ name: 'Transaction', value: transaction }]),
  ]
  if (chain === null) return step('anchor', 'open', NO_CHAIN, facts)
  const { root, firstSequence, lastSequence } = inclusion
  return (await chain.isAnchored(wallet, { index, root, firstSequence, lastSequence, anchoredAt }))
    ? step(
        'anchor',
        'holds',
        'The contract AuditAnchor has exactly this root, for these events, since then.',
        facts,
      )
    : step('anchor', 'fails', 'The contract AuditAnchor has no such root of this wallet.', facts)
}

async function walletStep(
  { anchor }: ProofBundle,
  receipt: SignedRecord<Receipt> | null,
  event: SignedRecord<AuditEvent> | null,
  chain: ProofChain | null,
): Promise<ProofStep> {
  if (anchor === null || event === null) return step('wallet', 'open', 'There is no anchor to compare with.')
  const facts = [
    { name: 'Wallet that anchored', value: anchor.wallet },
    { name: 'Signer of the log', value: event.signer },
  ]
  if (receipt !== null) {
    const { provider, payee, payer } = receipt.body
    const named = event.signer === provider ? payee : payer
    facts.push({ name: 'Wallet in the receipt', value: named })
    if (named !== anchor.wallet) {
      return step('wallet', 'fails', 'Another wallet than the one in the receipt has anchored this.', facts)
    }
  }
  if (chain === null) return step('wallet', 'open', NO_CHAIN, facts)
  const declared = await chain.nodeKeyOf(anchor.wallet)
  facts.push({ name: 'Node key of the wallet, by NodeRegistry', value: declared ?? 'none' })
  return declared === event.signer
    ? step('wallet', 'holds', 'Wallet and node key belong to each other: NodeRegistry says so.', facts)
    : step('wallet', 'fails', 'NodeRegistry does not say that this wallet is this node’s.', facts)
}

async function paymentStep(receipt: Receipt, chain: ProofChain | null): Promise<ProofStep> {
  const facts = [
    { name: 'Channel', value: receipt.channelId },
    { name: 'Owed on it after this task', value: `${receipt.cumulativeAmount} base units` },
  ]
  if (chain === null) return step('payment', 'open', NO_CHAIN, facts)
  const { chainId, settlement } = chain.deployment
  if (chainId !== receipt.chainId || settlement !== receipt.settlement) {
    facts.push({
      name: 'Settlement of the receipt',
      value: `${receipt.settlement} on chain ${receipt.chainId}`,
    })
    return step('payment', 'open', 'It was paid through other contracts than those of this node.', facts)
  }
  const channel = await chain.channel(receipt.channelId)
  if (channel === null) return step('payment', 'fails', 'Settlement knows no such channel.', facts)
  facts.push(
    { name: 'Deposit', value: `${channel.deposit} base units` },
    { name: 'Claimed on chain', value: `${channel.claimed} base units` },
  )
  if (channel.payer !== receipt.payer || channel.payee !== receipt.payee) {
    return step('payment', 'fails', 'The channel is between other wallets than the receipt says.', facts)
  }
  if (channel.claimed >= receipt.cumulativeAmount) {
    return step('payment', 'holds', 'The provider has been paid for it on chain.', facts)
  }
  return channel.status === 'closed'
    ? step('payment', 'fails', 'The channel was closed before the provider claimed this.', facts)
    : step('payment', 'holds', 'The money is locked in a channel from this payer to this provider.', facts)
}

const NO_CHAIN = 'Connect a wallet or give an RPC address to ask the chain.'

/** What the chain did not answer is open, never true. */
async function asked(id: ProofStepId, ask: () => Promise<ProofStep>): Promise<ProofStep> {
  try {
    return await ask()
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'it gave no reason'
    return step(id, 'open', `The chain could not be asked: ${reason}.`)
  }
}

function step(
  id: ProofStepId,
  result: ProofResult,
  found: string,
  facts: ProofStep['facts'] = [],
): ProofStep {
  return { id, result, found, facts }
}

/** The record, whoever has signed it; null where the bytes are no such record. */
function openForm<T>(definition: MessageDefinition<T>, bytes: Uint8Array): SignedRecord<T> | null {
  try {
    return openRecord(definition, bytes, () => true)
  } catch (error) {
    if (error instanceof ProtocolError) return null
    throw error
  }
}

function isSigned(definition: MessageDefinition<unknown>, bytes: Uint8Array): boolean {
  try {
    openRecord(definition, bytes)
    return true
  } catch (error) {
    if (error instanceof ProtocolError) return false
    throw error
  }
}

const steps = (count: number) => (count === 1 ? '1 step' : `${count} steps`)
