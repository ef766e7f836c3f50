import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import type { CallToolResult, ToolAnnotations } from '@modelcontextprotocol/sdk/types.js'
import { formatCredits, parseCredits } from '../../../protocol/money.ts'
import type { Logger } from '../../log.ts'
import { learnAnswer, marketAnswer, verifyAnswer } from './answers.ts'
import type { McpAnswer, McpBackend, McpCallOptions, McpEmbeddings } from './backend.ts'
import type { Confirmation, Confirmations } from './confirmations.ts'
import { ProgressReporter } from './progress-reporter.ts'
import { agreeTo } from './spending.ts'
import { answered, type McpCall, resultOf } from './tool-call.ts'
import {
  type AskInput,
  askInput,
  askOutput,
  balanceOutput,
  type EmbedInput,
  embedInput,
  embedOutput,
  learnOutput,
  marketInput,
  marketOutput,
  nothing,
  receiptsInput,
  receiptsOutput,
  verifyInput,
  verifyOutput,
} from './tool-schemas.ts'

export interface McpToolModules {
  backend: McpBackend
  confirmations: Confirmations
  log: Logger
}

/** Looks at what the node knows already. */
const LOOKS: ToolAnnotations = {
  readOnlyHint: true,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
}
/** Credits that are spent do not come back, and whom the text goes to is chosen on the market. */
const SPENDS: ToolAnnotations = {
  readOnlyHint: false,
  destructiveHint: true,
  idempotentHint: false,
  openWorldHint: true,
}

/** Registers the tools that the caller's rights allow. */
export function registerTools(server: McpServer, modules: McpToolModules): void {
  const { backend, log } = modules
  if (backend.rights.has('spend')) registerSpending(server, modules)
  if (backend.rights.has('look')) {
    server.registerTool(
      'market',
      {
        title: 'The market',
        description: 'Which models are offered, by whom, at which price and speed.',
        inputSchema: marketInput,
        outputSchema: marketOutput,
        annotations: LOOKS,
      },
      ({ model = null, region = null, maxPrice = null, limit }) =>
        answered(log, async () => {
          const market = await backend.market({ model })
          return resultOf(marketAnswer(market, await backend.offers({ model, region, maxPrice, limit })))
        }),
    )
  }
  if (backend.rights.has('money')) registerMoney(server, modules)
  if (!backend.rights.has('own')) return
  server.registerTool(
    'learn_status',
    {
      title: 'Learning',
      description: 'What the node learns with others: rounds, their phase, and what came of them.',
      inputSchema: nothing,
      outputSchema: learnOutput,
      annotations: LOOKS,
    },
    () => answered(log, async () => resultOf(learnAnswer(await backend.learning()))),
  )
}

function registerMoney(server: McpServer, { backend, log }: McpToolModules): void {
  server.registerTool(
    'wallet_balance',
    {
      title: 'Balance',
      description: 'What there is to spend, and for the node’s owner all that its wallet has.',
      inputSchema: nothing,
      outputSchema: balanceOutput,
      annotations: LOOKS,
    },
    () => answered(log, async () => resultOf({ ...(await backend.balance()) })),
  )
  server.registerTool(
    'receipts',
    {
      title: 'Receipts',
      description: 'Signed receipts of tasks asked for and done, the newest first.',
      inputSchema: receiptsInput,
      outputSchema: receiptsOutput,
      annotations: LOOKS,
    },
    ({ limit }) => answered(log, async () => resultOf({ receipts: await backend.receipts(limit) })),
  )
  server.registerTool(
    'verify_receipt',
    {
      title: 'Verify a receipt',
      description:
        'Checks a receipt from its signatures to the last token, by running its model again where it is here. Spends nothing.',
      inputSchema: verifyInput,
      outputSchema: verifyOutput,
      annotations: LOOKS,
    },
    ({ receipt }, call) =>
      answered(log, async () => resultOf(verifyAnswer(await backend.verifyReceipt(receipt, call.signal)))),
  )
}

function registerSpending(server: McpServer, modules: McpToolModules): void {
  const { backend, log } = modules
  server.registerTool(
    'ask',
    {
      title: 'Ask the network',
      description:
        'Has a language model of the network answer, and pays for it: never more than maxPrice. The person is asked first, or the first call answers with a token to call again with.',
      inputSchema: askInput,
      outputSchema: askOutput,
      annotations: SPENDS,
    },
    (input, call) => answered(log, () => ask(input, call, server, modules)),
  )
  server.registerTool(
    'embed',
    {
      title: 'Embed texts',
      description:
        'Has texts made into vectors by a model of the network, and pays for it: never more than maxPrice. Confirmed as ask.',
      inputSchema: embedInput,
      outputSchema: embedOutput,
      annotations: SPENDS,
    },
    (input, call) =>
      answered(log, async () => {
        const { confirm, ...parameters } = input
        const purpose = `Embedding ${input.texts.length === 1 ? 'a text' : `${input.texts.length} texts`}`
        const waits = await agreeTo(
          { tool: 'embed', maxPrice: input.maxPrice, purpose, parameters, confirm },
          call,
          { server, confirmations: modules.confirmations },
        )
        return embedResult(waits === null ? await embed(input, call, backend) : null, waits, input.maxPrice)
      }),
  )
}

async function ask(
  input: AskInput,
  call: McpCall,
  server: McpServer,
  modules: McpToolModules,
): Promise<CallToolResult> {
  const { backend, confirmations } = modules
  const { confirm, ...parameters } = input
  const purpose = `Asking ${input.model ?? 'the best model for the money'}`
  const spending = { tool: 'ask', maxPrice: input.maxPrice, purpose, parameters, confirm }
  const waits = await agreeTo(spending, call, { server, confirmations })
  if (waits !== null) return askResult(null, waits, input.maxPrice)
  const reporter = progressOf(call, input.maxTokens)
  try {
    const answer = await backend.ask(
      {
        ...{ prompt: input.prompt, system: input.system ?? null, model: input.model ?? null },
        ...{ maxTokens: input.maxTokens, maxPrice: parseCredits(input.maxPrice) },
        ...{ temperature: input.temperature, seed: input.seed ?? null, schema: input.schema ?? null },
        ...{ strategy: input.strategy ?? null, dataClass: input.dataClass ?? null },
        tools: input.tools ?? [],
      },
      { ...callOptions(call), onText: (text, tokens) => reporter?.add(text, tokens) },
    )
    return askResult(answer, null, input.maxPrice)
  } finally {
    await reporter?.end()
  }
}

function embed(input: EmbedInput, call: McpCall, backend: McpBackend): Promise<McpEmbeddings> {
  const { texts, model = null, maxPrice, dataClass = null } = input
  return backend.embed({ texts, model, maxPrice: parseCredits(maxPrice), dataClass }, callOptions(call))
}

function callOptions({ signal, requestInfo }: McpCall): McpCallOptions {
  const channel = requestInfo?.headers['shoal-channel']
  return { signal, channelId: typeof channel === 'string' ? channel : null }
}

/** Null where the client wants none. */
function progressOf(call: McpCall, maxTokens: number): ProgressReporter | null {
  const progressToken = call._meta?.progressToken
  if (progressToken === undefined) return null
  return new ProgressReporter(
    { total: maxTokens },
    {
      send: progress =>
        call.sendNotification({
          method: 'notifications/progress',
          params: { progressToken, ...progress },
        }),
    },
  )
}

function askResult(answer: McpAnswer | null, waits: Confirmation | null, maxPrice: string): CallToolResult {
  const confirmation = confirmationOf(waits, maxPrice)
  return resultOf(
    {
      status: waits === null ? 'done' : 'confirmation_required',
      text: answer?.text ?? '',
      ...{ finish: answer?.finish ?? null, model: answer?.model ?? null },
      provider: answer?.provider ?? null,
      ...{ promptTokens: answer?.promptTokens ?? 0, outputTokens: answer?.outputTokens ?? 0 },
      cost: formatCredits(answer?.cost ?? 0n),
      ...{ taskIds: answer?.taskIds ?? [], receipts: answer?.receipts ?? [] },
      confirmation,
    },
    confirmation?.message ?? answer?.text,
  )
}

function embedResult(
  answer: McpEmbeddings | null,
  waits: Confirmation | null,
  maxPrice: string,
): CallToolResult {
  return resultOf({
    status: waits === null ? 'done' : 'confirmation_required',
    ...{ vectors: answer?.vectors ?? [], dimensions: answer?.vectors[0]?.length ?? 0 },
    ...{ model: answer?.model ?? null, provider: answer?.provider ?? null },
    ...{ promptTokens: answer?.promptTokens ?? 0, cost: formatCredits(answer?.cost ?? 0n) },
    receipts: answer?.receipts ?? [],
    confirmation: confirmationOf(waits, maxPrice),
  })
}

function confirmationOf(waits: Confirmation | null, maxPrice: string) {
  if (waits === null) return null
  return {
    confirm: waits.token,
    maxPrice,
    expiresAt: new Date(waits.expiresAtMs).toISOString(),
    message: `This may cost up to ${maxPrice} credits. Nothing was asked or spent yet: have the person agree, then call again with the same arguments and confirm "${waits.token}".`,
  }
}
