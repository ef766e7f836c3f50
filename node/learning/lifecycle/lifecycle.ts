import type { Clock } from '../../clock.ts'

/**
 * What learning is doing: nothing; making room for tasks; training; or combining and judging updates.
 */
export type LearningState = 'idle' | 'working' | 'learning' | 'aggregating'

/** Work that has begun; `Training` is one. */
export interface PausableRun<T> extends PromiseLike<T> {
  /** Resolves when it uses no CPU any more, within 2 s. */
  pause?(): Promise<void>
  resume?(): Promise<void>
}

/** Work to be done when the node has nothing better to do. */
export interface LearningWork<T> {
  /** For people, as `round bafy… training`. */
  name: string
  kind: 'learning' | 'aggregating'
  /**
   * Begins the work, or goes on with it from where it was kept: it may be ended (by the signal) to free memory, and
   * begun again later.
   */
  begin(signal: AbortSignal): PausableRun<T>
}

/** Why learning does not go on now. */
export interface Hindrance {
  code: 'tasks' | 'hours' | 'power' | 'temperature' | 'memory' | 'disabled'
  /** For people. */
  message: string
}

export interface LifecycleStatus {
  state: LearningState
  /** The work that has begun, going on or paused. */
  current: { name: string; kind: 'learning' | 'aggregating'; paused: boolean } | null
  waiting: number
  hindrances: Hindrance[]
  /** What is not known of this machine and hence not heeded, as `temperature`. */
  unknown: string[]
  /** How long the last yielding to a task took, ms. */
  lastYieldMs: number | null
}

export interface LifecycleInterface {
  start(): void
  /** Ends what runs; what waits is refused. Idempotent. */
  stop(): Promise<void>
  status(): LifecycleStatus
  /**
   * Does work when tasks, hours, power, temperature and memory allow, one at a time; pauses it while they do not.
   * @throws {LifecycleError} LIFECYCLE_STOPPED, LIFECYCLE_FULL, CANCELLED by the signal; and what the work throws
   */
  run<T>(work: LearningWork<T>, options?: { signal?: AbortSignal }): Promise<T>
  onStatus(listener: (status: LifecycleStatus) => void): () => void
  /** For who serves tasks: learning yields until the function returned is called. */
  taskBegan(): () => void
}

export interface LifecycleModules {
  clock: Clock
}
