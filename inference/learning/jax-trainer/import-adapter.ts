import type { ModelDigest } from '../adapter.ts'
import type { TrainingJob } from '../trainer.ts'
import { fromFailure } from './ipc-messages.ts'
import { crashed } from './jax-trainer.ts'
import { forkTrainerProcess } from './trainer-process.ts'

/**
 * Takes in the adapter that another program made of a job, in a process of its own: reading and checking tens of
 * megabytes would hold up this one.
 * @throws {AdapterError} whatever is wrong with it
 * @throws {LearningError} TRAINER_CRASHED
 */
export async function importInProcess(
  job: TrainingJob,
  from: string,
): Promise<{ digest: ModelDigest; bytes: number }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ digest: ModelDigest; bytes: number }>()
  const child = forkTrainerProcess({
    onMessage: message => {
      if (message.type === 'imported') resolve({ digest: message.digest, bytes: message.bytes })
      else if (message.type === 'failed') reject(fromFailure(message.failure))
    },
    onOutput: () => {},
  })
  void child.exited.then(exit => reject(crashed(exit)))
  child.send({ type: 'import', job, from })
  try {
    return await promise
  } finally {
    child.kill()
    await child.exited
  }
}
