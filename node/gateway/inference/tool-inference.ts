import { formatCredits, parseCredits } from '../../../protocol/money.ts'
import type { Clock } from '../../clock.ts'
import { ToolError } from '../../tools/errors.ts'
import type { NodeTool, NodeTools } from '../../tools/node-tools.ts'
import type { Purse } from '../http/purse.ts'
import { SharedReservation } from '../http/shared-reservation.ts'
import { smallest } from './bill.ts'
import type {
  CanonicalMessage,
  CanonicalRequest,
  CanonicalTool,
  ToolCall,
  ToolChoice,
} from './canonical-request.ts'
import type {
  EmbeddingRequest,
  EmbeddingResult,
  InferenceEvent,
  InferenceOptions,
  InferenceResult,
  InferenceService,
  ShoalInfo,
  UsedTool,
} from './inference-service.ts'

export interface ToolInferenceOptions {
  /** Answers of the model to one request; to the last it is given no tools. */
  maxSteps: number
  /** Calls that one answer may make. */
  maxCallsPerStep: number
  /** Of all results together; what is longer is left out. */
  maxResultBytes: number
  /** Of the whole request. */
  maxMs: number
}

export const TOOL_LIMITS: ToolInferenceOptions = {
  maxSteps: 8,
  maxCallsPerStep: 8,
  maxResultBytes: 524_288,
  maxMs: 10 * 60_000,
}

export interface ToolInferenceModules {
  inference: InferenceService
  tools: NodeTools
  clock: Clock
}

/** What models may call a function. */
const NAME = /[^a-zA-Z0-9_-]/g

/**
 * Requests that name tools of the node: the model's calls are made here and their results given back to it, until it
 * answers, within bounds of steps, time, bytes and money. All other requests pass through.
 */
export class ToolInference implements InferenceService {
  readonly #options: ToolInferenceOptions
  readonly #modules: ToolInferenceModules

  constructor(options: ToolInferenceOptions, modules: ToolInferenceModules) {
    this.#options = options
    this.#modules = modules
  }

  embed(request: EmbeddingRequest, options: InferenceOptions): Promise<EmbeddingResult> {
    return this.#modules.inference.embed(request, options)
  }

  /** @throws {ToolError} TOOL_UNKNOWN, TOOL_BAD_REQUEST, TOOL_SERVER_FAILED, TOOL_LIMIT, beside what the service throws */
  async run(request: CanonicalRequest, options: InferenceOptions): Promise<InferenceResult> {
    const { inference } = this.#modules
    if (request.shoal.tools.length === 0) return inference.run(request, options)
    const messages = messagesOf(request)
    const limit = new AbortController()
    const timer = this.#modules.clock.setTimer(() => limit.abort(tooLong()), this.#options.maxMs)
    const signal = AbortSignal.any([options.signal, limit.signal])
    try {
      const { tenant } = options.principal
      const tools = await this.#modules.tools.find(request.shoal.tools, { tenant, signal })
      const run = new ToolRun({ ...this.#options, messages, tools }, { ...options, signal })
      const result = await run.end(request, inference)
      limit.signal.throwIfAborted()
      return result
    } finally {
      timer.cancel()
    }
  }
}

/** One request with tools on its way. */
class ToolRun {
  readonly #options: ToolInferenceOptions & { tools: readonly NodeTool[] }
  readonly #modules: InferenceOptions
  readonly #byName: ReadonlyMap<string, NodeTool>
  readonly #messages: CanonicalMessage[]
  readonly #used: UsedTool[] = []
  readonly #steps: InferenceResult[] = []
  #bytesLeft: number
  #cost = 0n
  #hasText = false

  constructor(
    options: ToolInferenceOptions & { messages: readonly CanonicalMessage[]; tools: readonly NodeTool[] },
    modules: InferenceOptions,
  ) {
    this.#options = options
    this.#modules = modules
    this.#messages = [...options.messages]
    this.#byName = new Map(options.tools.map(tool => [tool.name.replace(NAME, '__'), tool]))
    this.#bytesLeft = options.maxResultBytes
  }

  async end(request: CanonicalRequest, inference: InferenceService): Promise<InferenceResult> {
    const { principal, signal } = this.#modules
    const cap = smallest(request.shoal.maxPrice, principal.policy.maxPricePerRequest)
    const shared = await SharedReservation.of(this.#modules.purse, cap, { signal })
    try {
      for (let step = 1; ; step++) {
        const isLast = step === this.#options.maxSteps
        const result = await this.#step(request, {
          inference,
          purse: shared.purse,
          cap,
          isLast,
          isFirst: step === 1,
        })
        const { toolCalls, text, finish } = result.choices[0]!
        if (finish !== 'tool_calls' || isLast || signal.aborted) return this.#result(result)
        this.#messages.push({ role: 'assistant', text, toolCalls })
        for (const message of await this.#answers(toolCalls)) this.#messages.push(message)
        signal.throwIfAborted()
      }
    } finally {
      await shared.settle()
    }
  }

  async #step(
    request: CanonicalRequest,
    step: {
      inference: InferenceService
      purse: Purse
      cap: bigint | null
      isFirst: boolean
      isLast: boolean
    },
  ): Promise<InferenceResult> {
    const { onEvent, ...options } = this.#modules
    const { shoal, toolChoice } = request
    const before = this.#cost
    let isNewText = true
    const result = await step.inference.run(
      {
        ...request,
        input: { kind: 'chat', messages: this.#messages },
        tools: step.isLast ? [] : this.#tools(),
        // Who wants a call made has had one after the first.
        toolChoice: step.isLast ? 'none' : step.isFirst ? named(toolChoice) : 'auto',
        shoal: { ...shoal, tools: [], maxPrice: step.cap === null ? null : step.cap - before },
      },
      {
        ...options,
        purse: step.purse,
        onEvent: (choice, event) => {
          if (event.type === 'tool_call' || event.type === 'tool_arguments') return
          if (event.type === 'text' && isNewText && event.text !== '') {
            isNewText = false
            // What was said before a call and after it are two paragraphs.
            if (this.#hasText) onEvent(choice, { type: 'text', text: PARAGRAPH, tokens: 0 })
            this.#hasText = true
          }
          onEvent(choice, withCost(event, before))
        },
      },
    )
    this.#cost = before + parseCredits(result.shoal.cost)
    this.#steps.push(result)
    return result
  }

  #tools(): CanonicalTool[] {
    return [...this.#byName].map(([name, { description, parameters }]) => ({ name, description, parameters }))
  }

  #answers(calls: readonly ToolCall[]): Promise<CanonicalMessage[]> {
    const { maxCallsPerStep } = this.#options
    return Promise.all(
      calls.map(async (call, index) => ({
        role: 'tool' as const,
        toolCallId: call.id,
        text:
          index < maxCallsPerStep
            ? await this.#answer(call)
            : 'Not called: these are too many calls at once.',
      })),
    )
  }

  async #answer({ name, arguments: given }: ToolCall): Promise<string> {
    const tool = this.#byName.get(name)
    if (tool === undefined) return 'Not called: there is no such tool.'
    const { text, isError } = await tool.call(given, { signal: this.#modules.signal })
    this.#used.push({ name: tool.name, isError })
    const bytes = Buffer.byteLength(text)
    if (bytes > this.#bytesLeft)
      return 'Left out: the results are too long together. Answer with what there is.'
    this.#bytesLeft -= bytes
    return isError ? `Error: ${text}` : text
  }

  /** All steps as one answer. */
  #result(last: InferenceResult): InferenceResult {
    const steps = this.#steps
    const choices = steps.map(({ choices }) => choices[0]!)
    const sum = (of: (result: InferenceResult) => number) => steps.reduce((all, step) => all + of(step), 0)
    const shoal: ShoalInfo = {
      ...last.shoal,
      taskIds: steps.flatMap(({ shoal }) => shoal.taskIds),
      receipts: steps.flatMap(({ shoal }) => shoal.receipts),
      attempts: sum(({ shoal }) => shoal.attempts),
      cost: formatCredits(this.#cost),
      tools: this.#used,
    }
    const logprobs = choices.map(choice => choice.logprobs)
    return {
      choices: [
        {
          ...choices.at(-1)!,
          text: choices
            .map(({ text }) => text)
            .filter(text => text !== '')
            .join(PARAGRAPH),
          toolCalls: [],
          // A last call that was not made any more is no call of the caller's tools.
          finish: choices.at(-1)!.finish === 'tool_calls' ? 'stop' : choices.at(-1)!.finish,
          logprobs: logprobs.some(each => each === null) ? null : logprobs.flatMap(each => each ?? []),
        },
      ],
      usage: {
        promptTokens: sum(({ usage }) => usage.promptTokens),
        outputTokens: sum(({ usage }) => usage.outputTokens),
      },
      shoal,
    }
  }
}

const PARAGRAPH = '\n\n'

/** @throws {ToolError} TOOL_BAD_REQUEST */
function messagesOf({ input, n, tools, responseFormat }: CanonicalRequest): readonly CanonicalMessage[] {
  if (input.kind !== 'chat') throw bad('only chats can use tools')
  if (n !== 1) throw bad('one answer at a time can use tools of the node')
  if (tools.length > 0) throw bad('tools of the node and tools of your own do not go together')
  if (responseFormat.type !== 'text') throw bad('tools and a format of the answer do not go together')
  return input.messages
}

function bad(message: string): ToolError {
  return new ToolError('TOOL_BAD_REQUEST', message, { fix: 'Change the request, or leave shoal.tools out.' })
}

function tooLong(): ToolError {
  return new ToolError('TOOL_LIMIT', 'the tools took too long', { fix: 'Ask for less, or name fewer tools.' })
}

/** Callers name a tool as they name it in `shoal.tools`. */
function named(choice: ToolChoice): ToolChoice {
  // Who names tools of the node and gives none of its own has not said that they must not be used.
  if (choice === 'none') return 'auto'
  return typeof choice === 'string' ? choice : { name: choice.name.replace(NAME, '__') }
}

function withCost(event: InferenceEvent, before: bigint): InferenceEvent {
  return event.type === 'cost' ? { ...event, amount: before + event.amount } : event
}
