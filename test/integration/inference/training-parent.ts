import { JaxTrainer } from '../../../inference/learning/jax-trainer/jax-trainer.ts'
import { forkTrainerProcess } from '../../../inference/learning/jax-trainer/trainer-process.ts'
import { factsJob } from './training.ts'

/** A node that begins a training, holds it, says its number, and waits to be killed. */
let pid: number | undefined
const trainer = new JaxTrainer(
  {},
  {
    startProcess: listeners => {
      const child = forkTrainerProcess(listeners)
      pid = child.pid
      return child
    },
  },
)
const training = trainer.train(await factsJob(process.argv[2]!, 'held.gguf'))
await training.pause()
process.send?.({ pid })
