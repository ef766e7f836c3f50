import { ShoalError } from '../../../protocol/errors.ts'

export type RoundErrorCode =
  /** This node does not take part in learning. */
  | 'LEARNING_OFF'
  | 'ROUND_UNKNOWN'
  /** It is over, or its time to join has passed. */
  | 'ROUND_CLOSED'
  /** Too little at stake, or the chain has not told. */
  | 'STAKE_TOO_LOW'
  | 'ALREADY_JOINED'
  /** There is no local data of the round's domain. */
  | 'NO_DATA'
  /** As many rounds as are kept at once. */
  | 'TOO_MANY_ROUNDS'
  /** What is proposed contradicts itself or this node. */
  | 'BAD_PROPOSAL'

/** What can go wrong with rounds for whoever asks for one. */
export class RoundError extends ShoalError<RoundErrorCode> {
  override readonly name = 'RoundError'
}
