import { bytesToHex } from '@noble/hashes/utils.js'
import type { Address, Bytes32 } from '../../../protocol/ids.ts'
import type { InclusionStatement } from '../../../protocol/messages/inclusion.ts'
import { type ContractReceipt, RECEIPT_TYPES } from '../../../protocol/typed-data.ts'
import { verifyInclusion } from '../../auditlog/merkle.ts'
import { type AnchorDomain, isRootSigned } from '../../chain/signed-root.ts'

/**
 * Whether a statement holds by itself: the leaf is of this receipt, it is under the root, and its place is in the
 * root's range; a root that is not anchored is signed. Whether it is anchored as it says is for the chain to say.
 */
export function isStatementSound(
  statement: InclusionStatement,
  expected: { wallet: Address; claim: Bytes32; domain: AnchorDomain },
): boolean {
  const { sequence, claim, proof, root, firstSequence, lastSequence, anchor, signature } = statement
  if (claim !== expected.claim || (anchor === null && signature === null)) return false
  const included = verifyInclusion({
    ...{ index: anchor?.index ?? 0, root, firstSequence, lastSequence, sequence, claim, proof },
    anchoredAt: anchor?.anchoredAt ?? null,
    eventHash: `0x${bytesToHex(statement.eventHash)}`,
  })
  if (!included || anchor !== null) return included
  return isRootSigned(
    expected.domain,
    { node: expected.wallet, root, firstSequence, lastSequence },
    signature!,
  )
}

/** A receipt as `challengeOutput` takes it. */
export function receiptArgument(receipt: ContractReceipt): unknown[] {
  return RECEIPT_TYPES.Receipt.map(({ name }) => receipt[name as keyof ContractReceipt])
}

/** A statement as the court takes it: `ICourt.Inclusion`. */
export function inclusionArgument(statement: InclusionStatement): unknown[] {
  const { sequence, eventHash, claim, proof, root, firstSequence, lastSequence, anchor, signature } =
    statement
  return [
    [
      [root, firstSequence, lastSequence],
      anchor?.index ?? 0,
      signature ?? '0x',
      anchor?.anchoredAt ?? 0,
      anchor !== null,
    ],
    [sequence, `0x${bytesToHex(eventHash)}`, claim],
    proof,
  ]
}
