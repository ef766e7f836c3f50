import { ShoalError } from '../../protocol/errors.ts'

export type AdapterErrorCode =
  /** There is no such file. */
  | 'NOT_FOUND'
  /** Not a GGUF file of a version that is understood. */
  | 'NOT_GGUF'
  /** It ends before what it announces. */
  | 'TRUNCATED'
  /** More bytes, modules, rank or elements than are taken. */
  | 'OVERSIZE'
  /** Metadata is missing, is there twice, or holds what has no place in it. */
  | 'BAD_METADATA'
  /** GGUF, but not a LoRA adapter of 32-bit floats. */
  | 'WRONG_TYPE'
  /** Tensors do not make pairs, or do not have the shapes they should. */
  | 'WRONG_SHAPE'
  /** The same adapter in other bytes than ours: of equal adapters only one has the digest that names them. */
  | 'NOT_CANONICAL'
  /** A weight is not a number, or infinite. */
  | 'NOT_FINITE'
  /** Made for another base model. */
  | 'WRONG_BASE'
  | 'WRONG_ARCHITECTURE'
  | 'WRONG_RANK'
  | 'WRONG_ALPHA'
  /** Modules are missing, or there are some that nobody asked for. */
  | 'WRONG_MODULES'
  /** For its owner alone. */
  | 'PRIVATE'

/** What can be wrong with an adapter, wherever it came from. */
export class AdapterError extends ShoalError<AdapterErrorCode> {
  override readonly name = 'AdapterError'
}

export type LearningErrorCode =
  /** The training text cannot be read as examples. */
  | 'TRAINING_DATA_INVALID'
  /** There is nothing in the training text to learn from. */
  | 'TRAINING_DATA_EMPTY'
  | 'TRAINING_SETTINGS_INVALID'
  /** The base model is of an architecture or a tensor type that cannot be trained. */
  | 'BASE_UNSUPPORTED'
  /** It would take more memory than is allowed. */
  | 'TRAINING_MEMORY'
  /** There is no such backend for the mathematics on this machine. */
  | 'BACKEND_UNAVAILABLE'
  /** The loss stopped being a number. */
  | 'TRAINING_DIVERGED'
  /** The training process ended by itself. */
  | 'TRAINER_CRASHED'
  /** The external trainer did not keep to the contract. */
  | 'TRAINER_PROTOCOL'
  | 'TRAINER_TIMEOUT'
  /** This system cannot hold a process of another program. */
  | 'PAUSE_UNAVAILABLE'
  /** The checkpoint belongs to another job, or is damaged. */
  | 'CHECKPOINT_INVALID'
  /** The adapter could not be written where it is wanted. */
  | 'OUTPUT_UNWRITABLE'
  /** A file of somebody's is in the way. */
  | 'FILE_EXISTS'
  | 'CANCELLED'

/** What can go wrong while a model learns. */
export class LearningError extends ShoalError<LearningErrorCode> {
  override readonly name = 'LearningError'
}
