import type { ScoreRequest } from '../../../inference/engine.ts'
import type { Bytes32 } from '../../../protocol/ids.ts'
import type { AuditJob } from '../../../protocol/messages/audit-job.ts'
import { generateRequest } from '../../tasks/engine-task.ts'
import type { ArchivedTask } from './archived-task.ts'

/** The seed an output is said to be of. */
export function seedOf({ request }: Pick<ArchivedTask, 'request'>): Bytes32 {
  return generateRequest(request).sampling.seed
}

/** What an auditor is sent of a task: nothing of offers, payments or the provider. */
export function auditJob(
  { request }: Pick<ArchivedTask, 'request'>,
  {
    output,
    seed,
    job,
    block,
  }: Pick<AuditJob, 'job' | 'block'> & { output: readonly number[]; seed: Bytes32 },
): AuditJob {
  const { dataClass, model, input, continuation, maxTokens, stop, jsonSchema } = request
  const { temperature, topP, minP, topK } = request.sampling
  if (input.kind === 'embedding') throw new Error('an embedding was about to be audited')
  return {
    ...{ version: 1, job, block, dataClass, model, input, continuation, maxTokens, stop, jsonSchema },
    sampling: { temperature, topP, minP, topK, seed },
    output: [...output],
  }
}

/** A job in the engine's words. @throws {EngineError} SCHEMA_INVALID */
export function scoreRequestOf(job: AuditJob): ScoreRequest {
  const { seed, ...sampling } = job.sampling
  // The engine is given the seed itself: how it was made of nonce and task is the requester's to know.
  const plain = {
    ...job,
    taskId: NO_TASK,
    sampling: { ...sampling, nonce: seed, seedScope: 'task' as const },
  }
  const request = generateRequest(plain)
  return { ...request, sampling: { ...request.sampling, seed }, output: job.output }
}

const NO_TASK = '0'.repeat(32)
