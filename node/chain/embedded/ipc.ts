import type { ShoalError } from '../../../protocol/errors.ts'
import type { KnownDeployment } from '../addresses.ts'
import type { EncodedParameters } from '../deployment-parameters.ts'
import type { EmbeddedChainErrorCode } from './errors.ts'

/** What the chain's process is told first. Amounts cross as strings. */
export interface ChainProcessOptions {
  folder: string
  chainId: number
  /** 0: the one used last time if it is free, else any. */
  port: number
  allowTestMethods: boolean
  deployment: EncodedParameters
  /** Goes on when the process that started it is gone. */
  detached: boolean
}

/** A chain that answers. */
export interface ChainInfo extends KnownDeployment {
  rpcUrl: string
  /** Transactions that were replayed at this start. */
  replayedTransactions: number
}

export type ToChainProcess = { type: 'start'; options: ChainProcessOptions } | { type: 'stop' }

export type FromChainProcess =
  | { type: 'progress'; replayedTransactions: number }
  | { type: 'ready'; info: ChainInfo }
  | { type: 'failed'; error: ReturnType<ShoalError<EmbeddedChainErrorCode>['toJSON']> }
