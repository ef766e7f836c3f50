import { type Clock, repeat, type Timer } from '../../clock.ts'
import type { Logger } from '../../log.ts'
import { LifecycleError } from './errors.ts'
import type { Limit, LimitCode } from './limits/limit.ts'

/** What learning does: nothing; making room for tasks; training; or judging and combining updates. */
export type LearningState = 'idle' | 'working' | 'learning' | 'aggregating'

export type LearningKind = 'learning' | 'aggregating'

/** Work that has begun; a `Training` is one. Without `pause` it goes on to its end: for what takes seconds. */
export interface PausableRun<T> extends PromiseLike<T> {
  /** Resolves when it uses no processor any more. */
  pause?(): Promise<void>
  resume?(): Promise<void>
  /** What it holds, where it is known; bytes. */
  residentBytes?(): Promise<number | null>
}

/** Work to be done when the node has nothing better to do. */
export interface LearningWork<T> {
  /** For people, as `training for round bafy…`. */
  name: string
  kind: LearningKind
  /**
   * Begins the work, or goes on with it from its checkpoint: it is ended by the signal when memory is wanted, and begun
   * again later.
   */
  begin(signal: AbortSignal): PausableRun<T>
}

/** Why learning does not go on now. */
export interface Hindrance {
  code: 'tasks' | LimitCode
  /** For people. */
  message: string
}

export interface LifecycleStatus {
  state: LearningState
  /** The work that has begun, going on or paused, or is next. */
  current: { name: string; kind: LearningKind; phase: 'waiting' | 'running' | 'paused' } | null
  /** What comes after it. */
  waiting: number
  /** Why work does not go on. */
  hindrances: Hindrance[]
  /** What this machine does not tell, so that it is not heeded. */
  unknown: string[]
  /** How long the last yielding to a task took, ms. */
  lastYieldMs: number | null
}

export interface LifecycleOptions {
  /** Without tasks for so long, learning goes on; default 10 s. */
  quietMs?: number
  /** How often limits are looked at; default 5 s. */
  checkEveryMs?: number
  /** Work that does not pause in this time is ended; default 2 s. */
  yieldWithinMs?: number
}

export interface LifecycleModules {
  clock: Clock
  log: Logger
  limits: readonly Limit[]
}

/** Work that waits, all together. */
const MAX_WAITING = 64
const STOP_TIMEOUT_MS = 5_000

type Hindered = { code: LimitCode; message: string; frees: boolean }

interface Job {
  readonly work: LearningWork<unknown>
  readonly signal: AbortSignal | undefined
  readonly done: PromiseWithResolvers<unknown>
  readonly onAbort: () => void
  /** Null before it has begun, and after it was ended for a while. */
  run: Run | null
}

interface Run {
  readonly handle: PausableRun<unknown>
  readonly abort: AbortController
  phase: 'running' | 'pausing' | 'paused' | 'resuming'
  /** Ended to be begun again. */
  isSetAside: boolean
  /** Why it was ended for good. */
  endedFor: LifecycleError | null
}

/**
 * Says when the node learns: when it has had no task for a while, in the hours and within the power, temperature and memory
 * that its owner set. One work at a time; training pauses while updates are judged, since others wait for that. A task that comes has the processors within two seconds.
 */
export class LearningLifecycle {
  readonly #options: Required<LifecycleOptions>
  readonly #modules: LifecycleModules
  readonly #listeners = new Set<(status: LifecycleStatus) => void>()
  /** In the order they came. */
  readonly #jobs: Job[] = []
  #tasks = 0
  /** No task for long enough. */
  #isQuiet = true
  #quietTimer: Timer | null = null
  #limitTimer: Timer | null = null
  #hindered: Hindered[] = []
  #unknown: string[] = []
  #checking: Promise<void> | null = null
  #hasChecked = false
  #lastYieldMs: number | null = null
  #isStopped = false

  constructor(options: LifecycleOptions, modules: LifecycleModules) {
    this.#options = { quietMs: 10_000, checkEveryMs: 5_000, yieldWithinMs: 2_000, ...options }
    this.#modules = modules
  }

  start(): void {
    this.#limitTimer ??= repeat(this.#modules.clock, this.#options.checkEveryMs, () => this.check())
  }

  /** Ends what runs and refuses what waits, within 5 s. Idempotent. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#limitTimer?.cancel()
    this.#quietTimer?.cancel()
    const ended = this.#jobs.map(job => job.done.promise.then(nothing, nothing))
    for (const job of this.#jobs.slice()) this.#end(job, stopped())
    await Promise.race([
      Promise.all(ended),
      new Promise(resolve => this.#modules.clock.setTimer(() => resolve(null), STOP_TIMEOUT_MS)),
    ])
    this.#listeners.clear()
  }

  status(): LifecycleStatus {
    const job = this.#shown()
    const hindrances: Hindrance[] = this.#hindrancesFor(job?.work.kind ?? 'learning').map(
      ({ code, message }) => ({
        code,
        message,
      }),
    )
    if (!this.#isQuiet) {
      const message = this.#tasks > 0 ? 'tasks come first' : 'a task ended a moment ago'
      hindrances.unshift({ code: 'tasks', message })
    }
    const phase = job?.run === null ? 'waiting' : job?.run.phase === 'running' ? 'running' : 'paused'
    return {
      state: this.#tasks > 0 ? 'working' : job !== undefined && phase === 'running' ? job.work.kind : 'idle',
      current: job === undefined ? null : { name: job.work.name, kind: job.work.kind, phase },
      waiting: Math.max(0, this.#jobs.length - 1),
      hindrances,
      unknown: this.#unknown,
      lastYieldMs: this.#lastYieldMs,
    }
  }

  /** Called after each change of `status()`. */
  onStatus(listener: (status: LifecycleStatus) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Does work when tasks and limits allow.
   * @throws {LifecycleError} LIFECYCLE_STOPPED, LIFECYCLE_FULL, CANCELLED by the signal; and what the work throws
   */
  async run<T>(work: LearningWork<T>, options: { signal?: AbortSignal } = {}): Promise<T> {
    if (this.#isStopped) throw stopped()
    if (this.#jobs.length >= MAX_WAITING)
      throw new LifecycleError('LIFECYCLE_FULL', `${this.#jobs.length} works of learning wait already`, {
        fix: 'Wait until some of them have been done; shoal learn status shows them.',
      })
    const { signal } = options
    if (signal?.aborted === true) throw cancelled()
    const job: Job = {
      work,
      signal,
      done: Promise.withResolvers<unknown>(),
      onAbort: () => this.#end(job, cancelled()),
      run: null,
    }
    signal?.addEventListener('abort', job.onAbort, { once: true })
    this.#jobs.push(job)
    if (this.#hasChecked) this.#apply()
    else await this.check()
    return job.done.promise as Promise<T>
  }

  /** A task has come: learning yields at once, until the function returned has been called and it has been quiet. */
  taskBegan(): () => void {
    const { clock } = this.#modules
    this.#tasks++
    this.#isQuiet = false
    this.#quietTimer?.cancel()
    this.#apply()
    let hasEnded = false
    return () => {
      if (hasEnded) return
      hasEnded = true
      this.#tasks--
      if (this.#tasks > 0 || this.#isStopped) return
      this.#quietTimer = clock.setTimer(() => {
        this.#isQuiet = true
        this.#apply()
      }, this.#options.quietMs)
      this.#tell()
    }
  }

  /** Looks at the limits now, and heeds them. */
  check(): Promise<void> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = null
    })
    return this.#checking
  }

  async #check(): Promise<void> {
    const runs = this.#jobs.map(({ run }) => run).filter(run => run !== null)
    const held = await Promise.all(runs.map(async ({ handle }) => handle.residentBytes?.().catch(() => null)))
    const known = held.filter(bytes => typeof bytes === 'number')
    const residentBytes = known.length === 0 ? null : known.reduce((sum, bytes) => sum + bytes, 0)
    const verdicts = await Promise.all(
      this.#modules.limits.map(async limit => {
        try {
          return { code: limit.code, ...(await limit.check({ running: runs.length > 0, residentBytes })) }
        } catch (error) {
          this.#modules.log.warn({ err: error, limit: limit.code }, 'a limit of learning could not be read')
          return { code: limit.code, kind: 'unknown' as const, message: `${limit.code} could not be read` }
        }
      }),
    )
    if (this.#isStopped) return
    this.#hasChecked = true
    this.#hindered = verdicts.filter(verdict => verdict.kind === 'hindered')
    this.#unknown = verdicts.filter(verdict => verdict.kind === 'unknown').map(({ message }) => message)
    this.#apply()
  }

  /** Judging takes seconds and others wait for it: it does not wait for the hours of training. */
  #hindrancesFor(kind: LearningKind): readonly Hindered[] {
    return kind === 'learning' ? this.#hindered : this.#hindered.filter(({ code }) => code !== 'hours')
  }

  /** Brings what runs in line with what may run. */
  #apply(): void {
    if (!this.#isStopped) {
      const next = this.#next()
      for (const job of this.#jobs) {
        if (job.run === null) continue
        if (this.#hindrancesFor(job.work.kind).some(({ frees }) => frees)) this.#setAside(job.run)
        else if (job !== next && job.run.phase === 'running') void this.#pause(job.run)
      }
      // Who is to yield calls again when it has.
      const isFree = this.#jobs.every(
        ({ run }, i) => this.#jobs[i] === next || run === null || run.phase === 'paused',
      )
      if (next !== null && isFree) {
        if (next.run === null) this.#begin(next)
        else if (next.run.phase === 'paused') void this.#resume(next.run)
      }
    }
    this.#tell()
  }

  /** What is to run now. */
  #next(): Job | null {
    const steady = this.#jobs.find(({ run }) => run?.phase === 'running' && run.handle.pause === undefined)
    if (steady !== undefined) return steady
    if (!this.#isQuiet) return null
    const may = this.#jobs.filter(
      ({ work, run }) => this.#hindrancesFor(work.kind).length === 0 && run?.isSetAside !== true,
    )
    return may.find(({ work }) => work.kind === 'aggregating') ?? may[0] ?? null
  }

  /** What people are told of: what runs, else what is to. */
  #shown(): Job | undefined {
    return this.#jobs.find(({ run }) => run?.phase === 'running') ?? this.#next() ?? this.#jobs[0]
  }

  #begin(job: Job): void {
    const abort = new AbortController()
    let handle: PausableRun<unknown>
    try {
      handle = job.work.begin(abort.signal)
    } catch (error) {
      this.#settle(job, () => job.done.reject(error))
      return
    }
    const run: Run = { handle, abort, phase: 'running', isSetAside: false, endedFor: null }
    job.run = run
    handle.then(
      value => this.#settle(job, () => job.done.resolve(value)),
      (error: unknown) => {
        if (run.isSetAside && run.endedFor === null) {
          job.run = null
          // Others that wait, and may go on, have their turn; limits decide when it begins again.
          this.#apply()
        } else this.#settle(job, () => job.done.reject(run.endedFor ?? error))
      },
    )
  }

  async #pause(run: Run): Promise<void> {
    const { clock, log } = this.#modules
    if (run.handle.pause === undefined) return
    const { yieldWithinMs } = this.#options
    run.phase = 'pausing'
    const sinceMs = clock.nowMs()
    const late = clock.setTimer(() => {
      log.warn({ yieldWithinMs }, 'learning did not yield in time and was ended')
      this.#setAside(run)
    }, yieldWithinMs)
    try {
      await run.handle.pause()
      if (this.#tasks > 0) this.#lastYieldMs = clock.nowMs() - sinceMs
      run.phase = 'paused'
    } catch (error) {
      log.warn({ err: error }, 'learning could not be paused and was ended')
      this.#setAside(run)
    } finally {
      late.cancel()
    }
    this.#apply()
  }

  async #resume(run: Run): Promise<void> {
    run.phase = 'resuming'
    try {
      await run.handle.resume?.()
      run.phase = 'running'
    } catch (error) {
      this.#modules.log.warn({ err: error }, 'learning could not be resumed and is begun again')
      this.#setAside(run)
    }
    this.#apply()
  }

  /** Frees what it holds; it goes on later from its checkpoint. */
  #setAside(run: Run): void {
    if (run.isSetAside || run.handle.pause === undefined) return
    run.isSetAside = true
    run.abort.abort()
  }

  /** Ends a work for good; whoever waits for it hears of it when it has ended. */
  #end(job: Job, error: LifecycleError): void {
    if (job.run === null) {
      this.#settle(job, () => job.done.reject(error))
      return
    }
    job.run.endedFor ??= error
    job.run.abort.abort()
  }

  #settle(job: Job, settle: () => void): void {
    const at = this.#jobs.indexOf(job)
    if (at < 0) return
    this.#jobs.splice(at, 1)
    job.signal?.removeEventListener('abort', job.onAbort)
    settle()
    this.#apply()
  }

  #tell(): void {
    if (this.#listeners.size === 0) return
    const status = this.status()
    for (const listener of this.#listeners) listener(status)
  }
}

const nothing = () => {}

function stopped(): LifecycleError {
  return new LifecycleError('LIFECYCLE_STOPPED', 'the node is stopping', {
    fix: 'Start the node again; training goes on from its checkpoint.',
  })
}

function cancelled(): LifecycleError {
  return new LifecycleError('CANCELLED', 'it was cancelled')
}
