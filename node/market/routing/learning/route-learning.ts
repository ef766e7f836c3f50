import type { Clock } from '../../../clock.ts'
import type { Logger } from '../../../log.ts'
import type { Store } from '../../../store/store.ts'
import { DEFAULT_TUNING, type Tuning } from '../strategies.ts'
import { DecisionLog } from './decision-log.ts'
import { LearningError } from './errors.ts'
import { LinUcbPolicy } from './lin-ucb.ts'
import type { DecisionHistory } from './log-line.ts'
import { PolicyFile } from './policy-file.ts'
import { PolicyMemory } from './policy-memory.ts'
import { DEFAULT_POLICY, GREEDY_POLICY, type PolicySettings } from './policy-settings.ts'
import { DecisionRecorder } from './recorder.ts'
import { type Replay, replay } from './replay.ts'

export interface RouteLearningOptions {
  /** Of the log of decisions. */
  logPath: string
  /** Of the policy file. */
  policyPath: string
  /** Whether the policy file may be absent. */
  isPolicyOptional: boolean
}

export interface RouteLearningModules {
  store: Store
  clock: Clock
  log: Logger
  /** Told when another policy takes over, and when a policy file is refused. */
  onPolicy: (settings: PolicySettings) => void
  onRefused: (error: LearningError) => void
}

/** All that learns from how routing went: the policy, its file and its memory, and the log of decisions. */
export class RouteLearning {
  readonly policy: LinUcbPolicy
  readonly recorder: DecisionRecorder
  readonly decisions: DecisionLog
  readonly file: PolicyFile
  readonly #memory: PolicyMemory
  #onTuning: (tuning: Partial<Tuning>) => void = () => {}

  constructor(options: RouteLearningOptions, modules: RouteLearningModules) {
    const { store, clock, log } = modules
    this.policy = new LinUcbPolicy({ settings: DEFAULT_POLICY })
    this.decisions = new DecisionLog({ path: options.logPath }, { log })
    this.recorder = new DecisionRecorder({ log: this.decisions, policy: this.policy, clock })
    this.#memory = new PolicyMemory({}, { policy: this.policy, store, clock, log })
    this.file = new PolicyFile(
      { path: options.policyPath, optional: options.isPolicyOptional },
      {
        clock,
        onPolicy: settings => {
          this.#use(settings)
          modules.onPolicy(settings)
        },
        onRefused: modules.onRefused,
      },
    )
  }

  /** @throws {LearningError} POLICY_UNREADABLE, POLICY_INVALID */
  async start(): Promise<void> {
    await this.file.start()
    this.#use(this.file.settings)
    await this.#memory.start()
  }

  /** Writes what was learned and what waits for the log. Idempotent. */
  async stop(): Promise<void> {
    await this.file.stop()
    await this.#memory.stop()
    await this.decisions.stop()
  }

  /** Has a router set to the policy's weights, now and whenever they change. */
  drive(router: { tune: (tuning: Partial<Tuning>) => void }): void {
    this.#onTuning = tuning => router.tune(tuning)
    this.#use(this.policy.settings)
  }

  /**
   * The decisions for a task with what came of them, the first first.
   * @throws {LearningError} DECISION_UNKNOWN
   */
  async explain(task: string): Promise<DecisionHistory[]> {
    const histories = []
    for await (const history of this.decisions.histories({ task })) histories.push(history)
    if (histories.length > 0) return histories
    throw new LearningError('DECISION_UNKNOWN', `the log has no decision for the task ${task}`, {
      fix: 'Check the id, as shoal receipts --json and shoal ask --json tell it; the oldest decisions are forgotten.',
      details: { task },
    })
  }

  /**
   * What policies would have been worth on the log: the strategies' scores alone, the policy in use, and another.
   * @throws {LearningError} TOO_FEW_DECISIONS
   */
  async replay(other: PolicySettings | null): Promise<Replay[]> {
    const policies = [GREEDY_POLICY, this.policy.settings, ...(other === null ? [] : [other])]
    const replays = []
    for (const settings of policies) replays.push(await replay(this.decisions.histories(), settings))
    return replays
  }

  /** Forgets what was learned; the log is kept. */
  async forget(): Promise<void> {
    this.policy.reset()
    await this.#memory.save()
  }

  #use(settings: PolicySettings): void {
    this.policy.configure(settings)
    this.#onTuning({ weights: { ...DEFAULT_TUNING.weights, ...settings.weights } })
  }
}
