import type { Engine, GenerateOptions, Generation } from '../../../inference/engine.ts'
import { type EngineTask, generateRequest } from '../../tasks/engine-task.ts'
import type { Cleared } from '../clearance.ts'
import type { ProviderId } from '../routing/candidate.ts'

/** An engine that is given nothing but what is cleared for it. */
export class ClearedEngine {
  readonly provider: ProviderId
  readonly #engine: Pick<Engine, 'generate'>

  constructor(options: { provider: ProviderId }, modules: { engine: Pick<Engine, 'generate'> }) {
    this.provider = options.provider
    this.#engine = modules.engine
  }

  /** As `Engine.generate`. @throws {Error} when the task is cleared for somebody else */
  generate(task: Cleared<EngineTask>, options: GenerateOptions = {}): Generation {
    return this.#engine.generate(generateRequest(task.contentFor(this.provider)), options)
  }
}
