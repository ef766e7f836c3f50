import { ShoalError } from '../../../protocol/errors.ts'

export type VersionErrorCode =
  /** There is no such version here. */
  | 'VERSION_UNKNOWN'
  /** The name fits several. */
  | 'VERSION_AMBIGUOUS'
  /** It contradicts the records that it rests on. */
  | 'VERSION_FORGED'
  /** Records that it rests on cannot be had. */
  | 'EVIDENCE_MISSING'
  /** The chain has not told what the voters have at stake. */
  | 'STAKE_UNKNOWN'
  /** Its votes are no quorum. */
  | 'NO_QUORUM'
  /** The adapter's file is not here and nobody gives it. */
  | 'ADAPTER_MISSING'
  /** It is the current one already. */
  | 'ALREADY_CURRENT'

/** What can be wrong with versions of adapters. */
export class VersionError extends ShoalError<VersionErrorCode> {
  override readonly name = 'VersionError'
}
