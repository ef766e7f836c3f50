import type { Clock } from '../../clock.ts'
import type { DataSet, TrainingFiles, TrainingRow } from './data-set.ts'

export interface DataBookOptions {
  /** `learning/data` of the data folder. */
  folder: string
  /** Of the node key, 32 bytes: what is kept is encrypted with a key derived from it. */
  seed: Uint8Array
}

export interface DataBookModules {
  clock: Clock
}

/**
 * The owner's data to learn from. It lies sealed in the data folder and leaves it only through `trainingFiles`, which
 * are for a trainer on this machine. Several processes may use one folder: each change is one rename.
 */
export interface DataBookInterface {
  /** Removes what processes that are gone left behind. */
  start(): Promise<void>
  /** Releases all training files. Idempotent. */
  stop(): Promise<void>
  list(): Promise<DataSet[]>
  /** @throws {DataError} DATA_UNKNOWN, DATA_CORRUPT */
  get(name: string): Promise<DataSet>
  /** @throws {DataError} DATA_UNKNOWN */
  remove(name: string): Promise<void>
  /** @throws {DataError} DATA_UNKNOWN, DATA_CORRUPT */
  rows(name: string): AsyncIterable<{ group: string; row: TrainingRow }>
  /** Domains there is data of. */
  domains(): Promise<string[]>
  /**
   * The data of a domain, split into what is trained on and what is held out. A group's content alone decides, so that
   * the split is the same each time and nothing moves from one side to the other as data is added.
   * @throws {DataError} DATA_UNKNOWN where there is none of the domain, DATA_CORRUPT
   */
  trainingFiles(domain: string): Promise<TrainingFiles>
}
