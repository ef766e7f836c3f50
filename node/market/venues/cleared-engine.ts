import type { Engine, GenerateOptions } from '../../../inference/engine.ts'
import { type EngineRun, type EngineTask, runOn } from '../../tasks/engine-task.ts'
import type { Cleared } from '../clearance.ts'
import type { ProviderId } from '../routing/candidate.ts'

type TaskEngine = Pick<Engine, 'generate' | 'embed' | 'countTokens'>

/** An engine that is given nothing but what is cleared for it. */
export class ClearedEngine {
  readonly provider: ProviderId
  readonly #engine: TaskEngine

  constructor(options: { provider: ProviderId }, modules: { engine: TaskEngine }) {
    this.provider = options.provider
    this.#engine = modules.engine
  }

  /** Puts a task to it. @throws {Error} when the task is cleared for somebody else */
  run(task: Cleared<EngineTask>, options: GenerateOptions = {}): EngineRun {
    return runOn(this.#engine, task.contentFor(this.provider), options)
  }
}
