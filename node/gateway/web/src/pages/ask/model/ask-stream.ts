import { parseCredits } from '../../../../../../../protocol/money.ts'
import { ApiError, unreachable } from '../../../data/api-error.ts'
import { postJson, send } from '../../../data/http.ts'
import { payerFor } from '../../../data/payer.ts'
import { readEvents } from '../../../data/sse.ts'
import type { AskEventView, AskInput } from '../../../data/views.ts'

/**
 * Asks the node and tells what comes, up to `done`; pays from the person's wallet where that is how it is paid.
 * @throws {ApiError} what the node said, STREAM_BROKEN when it went away in between
 * @throws {Error} why no more was paid
 */
export async function askStream(
  input: AskInput,
  options: { signal: AbortSignal; onEvent: (event: AskEventView) => void },
): Promise<void> {
  const payer = await payerFor({
    prompt: input.messages.map(({ text }) => text),
    maxPrice: typeof input.maxPrice === 'string' ? parseCredits(input.maxPrice) : null,
  })
  const signal = payer === null ? options.signal : AbortSignal.any([options.signal, payer.signal])
  let isDone = false
  try {
    const { body } = await send('POST', '/api/ask', input, {
      signal,
      headers: { accept: 'text/event-stream', ...payer?.headers },
    })
    for await (const { data } of readEvents(body!)) {
      const event = JSON.parse(data) as AskEventView
      if (event.type === 'error') throw new ApiError(200, event.code, event.message, event.fix ?? null)
      if (event.type === 'provider')
        payer?.begin({
          inputPerMillion: parseCredits(event.inputPerMillion),
          outputPerMillion: parseCredits(event.outputPerMillion),
        })
      else if (event.type === 'text') payer?.receive(event.text, event.tokens)
      else if (event.type === 'cost') payer?.cost(parseCredits(event.amount))
      else if (event.type === 'done') payer?.cost(parseCredits(event.cost))
      options.onEvent(event)
      if (event.type === 'done') {
        isDone = true
        break
      }
    }
    if (!isDone) throw broken()
  } catch (error) {
    if (payer?.failure != null) throw payer.failure
    if (error instanceof ApiError || options.signal.aborted) throw error
    throw broken(error)
  } finally {
    await payer?.end()
  }
}

/** Has the node end an answer in good order: with what has come, and with its receipt. */
export async function stopAnswer(taskId: string): Promise<void> {
  await postJson(`/api/ask/${encodeURIComponent(taskId)}/stop`)
}

function broken(cause?: unknown): ApiError {
  const { fix } = unreachable(cause)
  return new ApiError(0, 'STREAM_BROKEN', 'The node went away in the middle of the answer.', fix, { cause })
}
