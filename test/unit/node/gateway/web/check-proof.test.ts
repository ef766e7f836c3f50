import assert from 'node:assert/strict'
import { hexToBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { auditEntry, auditTree } from '../../../../../node/auditlog/merkle.ts'
import {
  checkProof,
  type ProofChain,
  type ProofStepId,
} from '../../../../../node/gateway/web/src/proof/check-proof.ts'
import {
  type ProofBundle,
  readProofFile,
  writeProofFile,
} from '../../../../../node/gateway/web/src/proof/proof-bundle.ts'
import { createNodeSigner } from '../../../../../protocol/identity.ts'
import { auditEventMessage } from '../../../../../protocol/messages/audit-event.ts'
import { countersignatureMessage } from '../../../../../protocol/messages/countersignature.ts'
import { type Receipt, receiptMessage } from '../../../../../protocol/messages/receipt.ts'
import { createRecord } from '../../../../../protocol/signed.ts'
import { receiptClaim } from '../../../../../protocol/typed-data.ts'
import { sampleReceipt, seedOf } from '../../../../helpers/samples.ts'

const provider = createNodeSigner(seedOf(1))
const requester = createNodeSigner(seedOf(2))
const stranger = createNodeSigner(seedOf(3))
const keyOf = (signer: { publicKey: Uint8Array }) => Buffer.from(signer.publicKey).toString('hex')

const body: Receipt = { ...sampleReceipt, provider: keyOf(provider), requester: keyOf(requester) }
const receipt = createRecord(receiptMessage, body, provider)
const countersignature = createRecord(
  countersignatureMessage,
  { version: 1, receipt: receipt.cid },
  requester,
)
const events = [5, 6, 7].map(sequence =>
  createRecord(
    auditEventMessage,
    {
      ...{ sequence, previous: new Uint8Array(64).fill(sequence), timeMs: 1_700_000_000_000 },
      event: {
        ...{ kind: 'receipt.issued', v: 1, receipt: receipt.cid, claim: receiptClaim(body) },
        ...{ taskId: body.taskId, amount: body.amount, reason: body.reason },
      },
    },
    provider,
  ),
)
const event = events[1]!
const tree = auditTree(
  5,
  events.map(({ bytes }) => auditEntry(bytes)),
)
const bundle: ProofBundle = {
  receipt: receipt.bytes,
  countersignature: countersignature.bytes,
  event: event.bytes,
  inclusion: {
    sequence: 6,
    eventHash: tree.at(1)![1],
    claim: receiptClaim(body),
    proof: tree.getProof(1),
    root: tree.root,
    firstSequence: 5,
    lastSequence: 7,
  },
  anchor: { wallet: body.payee, index: 3, anchoredAt: 1_700_000_100, transaction: null },
}

const chain: ProofChain = {
  deployment: { chainId: body.chainId, settlement: body.settlement },
  isAnchored: async (wallet, { index, root, firstSequence, lastSequence, anchoredAt }) =>
    `${wallet} ${index} ${root} ${firstSequence} ${lastSequence} ${anchoredAt}` ===
    `${body.payee} 3 ${tree.root} 5 7 1700000100`,
  nodeKeyOf: async wallet => (wallet === body.payee ? keyOf(provider) : null),
  channel: async id =>
    id === body.channelId
      ? { payer: body.payer, payee: body.payee, deposit: 10n ** 18n, claimed: 0n, status: 'open' }
      : null,
}

const asked = { cid: receipt.cid }
const results = async (given: ProofBundle, on: ProofChain | null = chain, expected = asked) => {
  const { verdict, steps } = await checkProof(given, expected, on)
  const failing = steps.filter(({ result }) => result === 'fails').map(({ id }) => id)
  const open = steps.filter(({ result }) => result === 'open').map(({ id }) => id)
  return { verdict, failing, open }
}

describe('proof of a receipt', () => {
  it('holds where everything holds, and survives a file', async () => {
    const held = { verdict: 'proven', failing: [], open: [] }
    assert.deepEqual(await results(bundle), held)
    assert.deepEqual(await results(readProofFile(writeProofFile(bundle))), held)
  })

  it('is open, not proven, without the chain, an anchor, a log or a countersignature', async () => {
    const incomplete = async (given: ProofBundle, on: ProofChain | null, open: ProofStepId[]) =>
      assert.deepEqual(await results(given, on), { verdict: 'incomplete', failing: [], open })
    await incomplete(bundle, null, ['anchor', 'wallet', 'payment'])
    await incomplete({ ...bundle, anchor: null }, chain, ['anchor', 'wallet'])
    await incomplete({ ...bundle, anchor: null, inclusion: null }, chain, ['inclusion', 'anchor', 'wallet'])
    await incomplete({ ...bundle, countersignature: null }, chain, ['requester'])
    const silent: ProofChain = { ...chain, isAnchored: () => Promise.reject(new Error('gone')) }
    await incomplete(bundle, silent, ['anchor'])
    const elsewhere = { ...chain, deployment: { chainId: 1, settlement: body.settlement } }
    await incomplete(bundle, elsewhere, ['payment'])
  })

  it('is false where one thing is another', async () => {
    const fails = async (change: Partial<ProofBundle>, failing: ProofStepId[], on: ProofChain = chain) => {
      const found = await results({ ...bundle, ...change }, on)
      assert.deepEqual([found.verdict, found.failing], ['false', failing])
    }
    const other = createRecord(receiptMessage, { ...body, amount: body.amount + 1n }, provider)
    await fails({ receipt: other.bytes }, ['form', 'requester', 'about'])
    const forged = createRecord(receiptMessage, body, stranger)
    await fails({ receipt: forged.bytes }, ['form', 'provider', 'requester', 'about'])
    const self = createRecord(countersignatureMessage, { version: 1, receipt: receipt.cid }, provider)
    await fails({ countersignature: self.bytes }, ['requester'])
    await fails({ event: events[0]!.bytes }, ['inclusion'])
    const inclusion = bundle.inclusion!
    await fails({ inclusion: { ...inclusion, root: `0x${'12'.repeat(32)}` } }, ['inclusion', 'anchor'])
    await fails({ inclusion: { ...inclusion, firstSequence: 6, lastSequence: 6 } }, ['anchor'])
    await fails({ inclusion: { ...inclusion, lastSequence: 5 } }, ['inclusion', 'anchor'])
    await fails({ inclusion: { ...inclusion, proof: inclusion.proof.toReversed() } }, ['inclusion'])
    await fails({ anchor: { ...bundle.anchor!, index: 4 } }, ['anchor'])
    await fails({ anchor: { ...bundle.anchor!, wallet: body.payer } }, ['anchor', 'wallet'])
    const unbound: ProofChain = { ...chain, nodeKeyOf: async () => keyOf(stranger) }
    await fails({}, ['wallet'], unbound)
    const unpaid: ProofChain = { ...chain, channel: async () => null }
    await fails({}, ['payment'], unpaid)
    const closed: ProofChain = {
      ...chain,
      channel: async id => ({ ...(await chain.channel(id))!, status: 'closed' }),
    }
    await fails({}, ['payment'], closed)
  })

  it('is false for any receipt, countersignature or event of which one byte is another', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('receipt', 'countersignature', 'event'),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (part, at, flip) => {
          const bytes = new Uint8Array(bundle[part as 'receipt']!)
          bytes[at % bytes.length]! ^= flip
          assert.equal((await results({ ...bundle, [part]: bytes })).verdict, 'false')
        },
      ),
      { numRuns: 60 },
    )
  })

  it('is false when another receipt was asked for', async () => {
    const { verdict, failing } = await results(bundle, chain, { cid: event.cid })
    assert.deepEqual([verdict, failing], ['false', ['form']])
  })

  it('proves an event without a receipt', async () => {
    const alone = { ...bundle, receipt: null, countersignature: null }
    const { verdict, steps } = await checkProof(alone, { cid: null }, chain)
    assert.deepEqual(
      [verdict, steps.map(({ id }) => id)],
      ['proven', ['event', 'inclusion', 'anchor', 'wallet']],
    )
  })

  it('opens no file that is no proof', () => {
    for (const text of ['', '{', '[]', '{}', '{"format":"shoal-proof","version":2}', 'x'.repeat(300_000)])
      assert.throws(() => readProofFile(text), { code: 'PROOF_FILE_INVALID' })
    const file = JSON.parse(writeProofFile(bundle))
    assert.throws(() => readProofFile(JSON.stringify({ ...file, receipt: 'no base64!' })), {
      code: 'PROOF_FILE_INVALID',
    })
    assert.equal(hexToBytes(file.inclusion.root.slice(2)).length, 32)
  })
})
