import type { ShoalError } from '../../../protocol/errors.ts'
import type { Logger } from '../../log.ts'
import { publicError } from './http-error.ts'
import type { SseStream } from './sse.ts'

/**
 * Does the work that writes a stream. What goes wrong before anything was sent is thrown, so that it is answered with a
 * status of its own; after that it is told in the stream, which ends with it.
 * @param options.tell writes the error as the dialect has it
 */
export async function streamed(
  options: { stream: SseStream; log: Logger; tell: (error: ShoalError) => void },
  work: () => Promise<void>,
): Promise<void> {
  const { stream, log, tell } = options
  try {
    await work()
  } catch (error) {
    if (!stream.isOpen) throw error
    const told = publicError(error)
    if (told.code === 'INTERNAL') log.error({ err: error }, 'an answer broke')
    tell(told)
    stream.end()
  }
}
