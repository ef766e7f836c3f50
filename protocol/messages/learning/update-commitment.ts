import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { CID } from 'multiformats/cid'
import { z } from 'zod'
import { type MessageDefinition, wire } from '../../codec.ts'
import type { Bytes32, CidString, NodeKey } from '../../ids.ts'
import type { BlobDigest } from './blob-ref.ts'

/** That its signer has an update, without showing it: nobody can copy what is hidden. One a member and round. */
export interface UpdateCommitment {
  version: 1
  round: CidString
  /** `updateCommitment` of what will be revealed. */
  commitment: Bytes32
}

const CONTEXT = utf8ToBytes('shoal/1/update-commitment\0')

/**
 * SHA-256 of `shoal/1/update-commitment` ‖ 0x00 ‖ the round's CID as bytes ‖ the update's digest ‖ the salt ‖ the author's key.
 * The author is in it, so that nobody can commit to another's update by repeating its commitment.
 */
export function updateCommitment(content: {
  round: CidString
  update: BlobDigest
  salt: Bytes32
  author: NodeKey
}): Bytes32 {
  const { round, update, salt, author } = content
  const bytes = concatBytes(
    CONTEXT,
    CID.parse(round).bytes,
    hexToBytes(update.slice('sha256:'.length)),
    hexToBytes(salt.slice(2)),
    hexToBytes(author),
  )
  return `0x${bytesToHex(sha256(bytes))}`
}

export const updateCommitmentMessage: MessageDefinition<UpdateCommitment> = {
  type: 'update-commitment',
  maxBytes: 512,
  schema: z.strictObject({ version: z.literal(1), round: wire.cid, commitment: wire.bytes32 }),
}
