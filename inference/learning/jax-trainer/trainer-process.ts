import { forkOwnProcess, type OwnProcess } from '../../own-process.ts'
import { type FromTrainer, fromTrainerSchema, type ToTrainer } from './ipc-messages.ts'

export type TrainerProcess = OwnProcess<ToTrainer>

export interface TrainerProcessListeners {
  onMessage: (message: FromTrainer) => void
  /** A line the process or its native code wrote. */
  onOutput: (line: string) => void
}

export type StartTrainerProcess = (listeners: TrainerProcessListeners) => TrainerProcess

/** Forks `child.ts` beside this file. */
export const forkTrainerProcess: StartTrainerProcess = ({ onMessage, onOutput }) => {
  const child: TrainerProcess = forkOwnProcess<ToTrainer>(
    { path: new URL('./child', import.meta.url), flags: [] },
    {
      onMessage: message => {
        const parsed = fromTrainerSchema.safeParse(message)
        if (parsed.success) return onMessage(parsed.data)
        onOutput(`unexpected message from the training process: ${parsed.error.message}`)
        child.kill()
      },
      onOutput,
    },
  )
  return child
}
