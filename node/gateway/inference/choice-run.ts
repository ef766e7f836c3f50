import type { CidString, TaskId } from '../../../protocol/ids.ts'
import { randomHex } from '../../random-hex.ts'
import type { AskOptions, TaskEvent, TaskResult } from '../../tasks/ask.ts'
import type { Requester } from '../../tasks/requester.ts'
import { peerIdOf } from '../views.ts'
import type { CanonicalTool, ToolCall, ToolChoice } from './canonical-request.ts'
import type {
  FinishReason,
  InferenceChoice,
  InferenceEvent,
  ShoalInfo,
  TokenLogprob,
} from './inference-service.ts'
import { LogprobLedger } from './logprob-ledger.ts'
import { type AnswerPart, type AnswerReader, CallReader, PlainReader, TaggedReader } from './tool-calls.ts'

export interface ChoiceRunOptions {
  ask: AskOptions
  tools: readonly CanonicalTool[]
  toolChoice: ToolChoice
  /** See `AskOptions.cover`. */
  cover: NonNullable<AskOptions['cover']>
}

export interface ChoiceRunModules {
  requester: Pick<Requester, 'ask'>
  onEvent: (event: InferenceEvent) => void
}

export interface ChoiceResult {
  choice: InferenceChoice
  taskId: TaskId
  promptTokens: number
  outputTokens: number
  /** Base units that the node paid. */
  paid: bigint
  provider: string
  model: string
  receipts: CidString[]
  attempts: number
  ended: ShoalInfo['ended']
}

/** One answer of a request: one task, its text told as text and calls of tools. */
export class ChoiceRun {
  readonly #options: ChoiceRunOptions
  readonly #modules: ChoiceRunModules
  readonly #reader: AnswerReader
  readonly #calls: { id: string; name: string; arguments: string }[] = []
  readonly #receipts: CidString[] = []
  /** Null where nobody asks. */
  readonly #ledger: LogprobLedger | null
  #text = ''
  /** Tokens whose text is still held back. */
  #untold = 0

  constructor(options: ChoiceRunOptions, modules: ChoiceRunModules) {
    this.#options = options
    this.#modules = modules
    this.#reader = readerOf(options)
    this.#ledger = options.ask.logprobs === undefined ? null : new LogprobLedger()
  }

  /** @throws {TaskError} as `Requester.ask` */
  async run(signal: AbortSignal): Promise<ChoiceResult> {
    const { ask, cover } = this.#options
    const result = await this.#modules.requester.ask({ ...ask, cover }, event => this.#take(event), signal)
    this.#tell(this.#reader.end(), 0)
    return {
      choice: {
        text: this.#text,
        toolCalls: this.#calls as ToolCall[],
        finish: this.#finish(result),
        isCutByStop: result.reason === 'stop_string',
        logprobs: this.#allLogprobs(),
      },
      taskId: result.taskId,
      promptTokens: result.promptTokens,
      outputTokens: result.outputTokens,
      paid: result.paid,
      provider: peerIdOf(result.provider),
      model: result.model,
      receipts: this.#receipts,
      attempts: result.attempts,
      ended:
        result.status === 'completed' ? 'complete' : result.status === 'expired' ? 'deadline' : 'cancelled',
    }
  }

  #take(event: TaskEvent): void {
    const { onEvent } = this.#modules
    switch (event.type) {
      case 'started':
        onEvent({ type: 'started', taskId: event.taskId })
        return
      case 'chosen': {
        const { provider, model } = event.candidate
        const isSpot = this.#options.ask.preferences.mode === 'spot'
        const price = isSpot ? (model.spot ?? model) : model
        onEvent({
          ...{ type: 'provider', provider: peerIdOf(provider), model: model.model },
          pricePerMillion: { input: price.inputPerMillion, output: price.outputPerMillion },
        })
        return
      }
      case 'output':
        this.#ledger?.add(event.logprobs ?? [])
        this.#tell(this.#reader.take(event.text), event.count ?? event.tokens.length)
        return
      case 'failover':
        onEvent({ type: 'failover', from: peerIdOf(event.from), why: event.why, attempt: event.attempt })
        return
      case 'receipt':
        this.#receipts.push(event.record.cid)
        onEvent({ type: 'receipt', cid: event.record.cid })
        return
      default:
    }
  }

  #tell(parts: readonly AnswerPart[], tokens: number): void {
    const { onEvent } = this.#modules
    this.#untold += tokens
    for (const part of parts) {
      if (part.type === 'text') {
        this.#text += part.text
        const logprobs = this.#logprobs(part.text)
        onEvent({ type: 'text', text: part.text, tokens: this.#untold, ...(logprobs && { logprobs }) })
        this.#untold = 0
      } else if (part.type === 'call') {
        const call = { id: `call_${randomHex(12)}`, name: part.name, arguments: '' }
        this.#calls.push(call)
        onEvent({ type: 'tool_call', index: part.index, id: call.id, name: call.name })
      } else {
        this.#calls[part.index]!.arguments += part.text
        onEvent({ type: 'tool_arguments', index: part.index, text: part.text })
      }
    }
  }

  /** What is read as a call is no text: from there on tokens and text do not go together. */
  #logprobs(text: string): TokenLogprob[] | null {
    return this.#ledger === null || this.#calls.length > 0 ? null : this.#ledger.take(text)
  }

  #allLogprobs(): readonly TokenLogprob[] | null {
    const told = this.#ledger?.told ?? []
    return told.length === 0 || this.#calls.length > 0 ? null : told
  }

  #finish({ status, reason }: TaskResult): FinishReason {
    if (status === 'cancelled') return 'cancelled'
    if (status === 'expired' || reason === 'length') return 'length'
    return this.#calls.length > 0 ? 'tool_calls' : 'stop'
  }
}

function readerOf({ tools, toolChoice }: ChoiceRunOptions): AnswerReader {
  if (tools.length === 0 || toolChoice === 'none') return new PlainReader()
  if (toolChoice === 'auto') return new TaggedReader(new Set(tools.map(({ name }) => name)))
  return new CallReader()
}
