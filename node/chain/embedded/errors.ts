import { ShoalError } from '../../../protocol/errors.ts'

export type EmbeddedChainErrorCode =
  /** Another process has the folder open. */
  | 'CHAIN_FOLDER_IN_USE'
  /** The journal has a damaged record that is not its torn end. */
  | 'CHAIN_JOURNAL_CORRUPT'
  /** The journal's transactions do not lead to the blocks it recorded. */
  | 'CHAIN_REPLAY_MISMATCH'
  /** The journal is there and the deployer's key is not, or it is another one's. */
  | 'CHAIN_KEY_MISSING'
  /** The folder holds a chain with another id. */
  | 'CHAIN_ID_MISMATCH'
  /** The folder's contracts are not the ones this version of Shoal was built with. */
  | 'CHAIN_CONTRACTS_CHANGED'
  /** Test methods changed the folder's chain in ways the journal does not have. */
  | 'CHAIN_TAINTED'
  /** The port asked for is taken. */
  | 'CHAIN_PORT_IN_USE'
  /** The journal cannot be written: disk full, read-only or failing. */
  | 'CHAIN_JOURNAL_UNWRITABLE'
  /** The folder cannot be made, read or written. */
  | 'CHAIN_FOLDER_UNUSABLE'
  /** The chain's process said nothing for too long while starting. */
  | 'CHAIN_START_TIMEOUT'
  /** The chain's process ended without being asked to. */
  | 'CHAIN_CRASHED'
  /** The contracts could not be deployed on the new chain. */
  | 'CHAIN_DEPLOYMENT_FAILED'

/** What goes wrong with the embedded chain; `details.folder` says with which. */
export class EmbeddedChainError extends ShoalError<EmbeddedChainErrorCode> {
  override readonly name = 'EmbeddedChainError'
}
