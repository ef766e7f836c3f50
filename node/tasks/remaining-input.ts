import type { TaskInput } from '../../protocol/messages/task-request.ts'
import type { Progress } from './venue.ts'

/** What an attempt is asked to embed: what has come is not asked for again. Of text all, with what has come as its continuation. */
export function remainingInput(input: TaskInput, { vectors }: Pick<Progress, 'vectors'>): TaskInput {
  if (input.kind !== 'embedding' || vectors === undefined) return input
  return { kind: 'embedding', inputs: input.inputs.slice(vectors.length) }
}
