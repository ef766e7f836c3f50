import { formatCredits, parseCredits } from '../../protocol/money.ts'
import { systemClock } from '../clock.ts'
import type { ShoalNode } from '../node.ts'
import { OWNER } from './accounts/accounts.ts'
import type { ControlHandlersOf, ControlParameters } from './control-api.ts'
import { OWNER_PURSE } from './http/purse.ts'
import { type CanonicalRequest, NO_SHOAL_OPTIONS } from './inference/canonical-request.ts'
import type {
  InferenceEvent,
  InferenceResult,
  InferenceService,
  UsedTool,
} from './inference/inference-service.ts'
import { NetworkInference } from './inference/network-inference.ts'
import { TOOL_LIMITS, ToolInference } from './inference/tool-inference.ts'
import type { inferenceMethods } from './inference-methods.ts'
import type { AskResultView, TaskEventView } from './views.ts'

/** An answer for which tools were used: several tasks. */
export interface ToolAnswerView extends AskResultView {
  receipts: string[]
  tools: readonly UsedTool[]
}

export interface EmbeddingsView {
  /** One for each text, of length 1. */
  vectors: number[][]
  model: string
  provider: string
  promptTokens: number
  /** Decimal credits. */
  cost: string
  receipts: string[]
}

/** What the owner's commands have done that are more than one task. */
export function inferenceHandlers(node: ShoalNode): ControlHandlersOf<keyof typeof inferenceMethods> {
  return {
    embed: async ({ texts, model, maxPrice, dataClass }, _tell, signal): Promise<EmbeddingsView> => {
      const price = maxPrice === null ? null : parseCredits(maxPrice)
      const shoal = { ...NO_SHOAL_OPTIONS, maxPrice: price, dataClass }
      const {
        vectors,
        usage,
        shoal: info,
      } = await inferenceOf(node, signal).embed(
        { model, inputs: texts, shoal },
        { ...OWNERS_CALL, signal, onEvent: () => {} },
      )
      return {
        vectors: vectors.map(vector => [...vector]),
        ...{ model: info.model, provider: info.provider, promptTokens: usage.promptTokens },
        ...{ cost: info.cost, receipts: [...info.receipts] },
      }
    },
  }
}

/** Answers a question for which tools of the node may be used. */
export async function askWithTools(
  node: ShoalNode,
  parameters: ControlParameters<'ask'>,
  tell: (event: TaskEventView) => void,
  signal: AbortSignal,
): Promise<ToolAnswerView> {
  const result = await inferenceOf(node, signal).run(canonical(parameters), {
    ...OWNERS_CALL,
    signal,
    onEvent: (_choice, event) => {
      const view = eventView(event)
      if (view !== null) tell(view)
    },
  })
  return answerView(result)
}

const OWNERS_CALL = { principal: OWNER, purse: OWNER_PURSE }

function inferenceOf(node: ShoalNode, stopping: AbortSignal): InferenceService {
  const { tools } = node.parts
  const inference = new NetworkInference({ node, clock: systemClock, stopping })
  return new ToolInference(TOOL_LIMITS, { inference, tools, clock: systemClock })
}

function canonical(given: ControlParameters<'ask'>): CanonicalRequest {
  const { model, maxTokens, temperature, topP, topK, minP, seed, stop, jsonSchema } = given
  const { strategy, mode, slaClass, dataClass, region, minReputation, minQuality, deadlineMs } = given
  return {
    ...{ model, maxTokens, temperature, topP, topK, minP, seed, stop, n: 1, logprobs: null },
    input: {
      kind: 'chat',
      messages: given.messages.map(({ role, content: text }) =>
        role === 'assistant' ? { role, text, toolCalls: [] } : { role, text },
      ),
    },
    ...{ tools: [], toolChoice: 'auto' },
    responseFormat:
      jsonSchema === null
        ? { type: 'text' }
        : { type: 'json_schema', name: 'answer', schema: JSON.parse(jsonSchema), strict: true },
    shoal: {
      ...NO_SHOAL_OPTIONS,
      ...{ strategy, mode, slaClass, dataClass, region, minReputation, minQuality, deadlineMs },
      ...{ auction: given.auction, taskClass: given.taskClass, tools: given.tools },
      minStake: parseCredits(given.minStake),
      maxPrice: given.maxPrice === null ? null : parseCredits(given.maxPrice),
    },
  }
}

function eventView(event: InferenceEvent): TaskEventView | null {
  switch (event.type) {
    case 'started':
      return { type: 'started', taskId: event.taskId }
    case 'text':
      return { type: 'output', text: event.text, tokens: event.tokens }
    case 'failover':
      return { type: 'failover', from: event.from, why: event.why, attempt: event.attempt }
    default:
      return null
  }
}

const STATUS = {
  complete: 'completed',
  deadline: 'expired',
  cancelled: 'cancelled',
  unpaid: 'cancelled',
} as const

function answerView({ choices, usage, shoal }: InferenceResult): ToolAnswerView {
  const { text, finish } = choices[0]!
  return {
    taskId: shoal.taskIds.at(-1) ?? '',
    status: STATUS[shoal.ended],
    reason: shoal.ended === 'deadline' ? 'deadline' : finish,
    text,
    ...{ model: shoal.model, provider: shoal.provider, ...usage },
    paid: formatCredits(parseCredits(shoal.cost)),
    ...{ attempts: shoal.attempts, agreed: [] },
    ...{ receipts: [...shoal.receipts], tools: shoal.tools ?? [] },
  }
}
