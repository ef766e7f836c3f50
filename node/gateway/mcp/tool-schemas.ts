import { z } from 'zod'
import { DATA_CLASSES } from '../../../protocol/data-class.ts'
import { MAX_JSON_SCHEMA_BYTES, MAX_OUTPUT_TOKENS } from '../../../protocol/limits.ts'
import { STRATEGIES } from '../../market/preferences.ts'
import { receiptSchema } from '../receipt-schema.ts'

/** What the tools take and give, as MCP clients see it. Credits are decimal strings, times ISO 8601. */

/** An answer that goes into somebody's context is kept short. */
const MAX_RECEIPTS_LISTED = 200
const MAX_OFFERS_LISTED = 100
const MAX_PROMPT_CHARS = 262_144
const MAX_TEXTS = 64
const MAX_TEXT_CHARS = 32_768
const MAX_TOOLS = 32

const credits = z.string().regex(/^\d{1,12}(\.\d{1,18})?$/, 'must be credits, such as "0.01"')
const amount = z.string().describe('Credits')
const model = z.string().min(1).max(200)

const maxPrice = credits.describe(
  'The most this may cost, in credits, such as "0.01". Never exceeded. "0" takes only what is free.',
)
const confirm = z
  .string()
  .min(1)
  .max(64)
  .optional()
  .describe('The token of a first call that asked for confirmation; all other arguments as in that call.')
const dataClass = z
  .enum(DATA_CLASSES)
  .optional()
  .describe('How far the text may travel: PRIVATE stays on own machines and enclaves, PUBLIC goes anywhere.')

/** Said instead of a result while nobody has agreed to the spending. */
const confirmation = z
  .object({
    confirm: z.string().describe('Give this as confirm'),
    maxPrice: amount,
    expiresAt: z.string(),
    message: z.string(),
  })
  .nullable()
  .describe('Set while this call waits to be confirmed: nothing was asked or spent yet')

const status = z.enum(['done', 'confirmation_required'])

export const askInput = z.strictObject({
  prompt: z.string().min(1).max(MAX_PROMPT_CHARS).describe('The question'),
  system: z.string().max(MAX_PROMPT_CHARS).optional().describe('Instructions that come before the question'),
  maxPrice,
  maxTokens: z.int().min(1).max(MAX_OUTPUT_TOKENS).default(512).describe('Longest answer, in tokens'),
  model: model.optional().describe('Name or digest of a model; default: the best for the money'),
  strategy: z.enum(STRATEGIES).optional().describe('What counts most in choosing who answers'),
  dataClass,
  temperature: z.number().min(0).max(5).default(0).describe('0 always takes the likeliest word'),
  schema: z
    .record(z.string(), z.unknown())
    .refine(schema => JSON.stringify(schema).length <= MAX_JSON_SCHEMA_BYTES, 'is too long')
    .optional()
    .describe('Makes the answer JSON of this JSON Schema; not together with tools'),
  seed: z.int().min(0).max(0xffff_ffff).optional().describe('Repeats an answer'),
  tools: z
    .array(z.string().min(1).max(200))
    .max(MAX_TOOLS)
    .optional()
    .describe(
      'Tools of MCP servers configured at the node that the answer may use: server/tool, or a server for all of its tools',
    ),
  confirm,
})
export type AskInput = z.output<typeof askInput>

export const askOutput = z.object({
  status,
  text: z.string().describe('The answer'),
  finish: z.string().nullable().describe('Why it ended: stop, length, cancelled'),
  model: z.string().nullable(),
  provider: z.string().nullable().describe('PeerId, "local", or the name of a service'),
  promptTokens: z.int(),
  outputTokens: z.int(),
  cost: amount,
  taskIds: z.array(z.string()),
  receipts: z.array(z.string()).describe('CIDs; see verify_receipt'),
  confirmation,
})

export const embedInput = z.strictObject({
  texts: z.array(z.string().min(1).max(MAX_TEXT_CHARS)).min(1).max(MAX_TEXTS),
  maxPrice,
  model: model.optional().describe('Name or digest of a model that embeds; default: the best for the money'),
  dataClass,
  confirm,
})
export type EmbedInput = z.output<typeof embedInput>

export const embedOutput = z.object({
  status,
  vectors: z.array(z.array(z.number())).describe('One for each text, in order'),
  dimensions: z.int(),
  model: z.string().nullable(),
  provider: z.string().nullable(),
  promptTokens: z.int(),
  cost: amount,
  receipts: z.array(z.string()),
  confirmation,
})

export const marketInput = z.strictObject({
  model: model.optional().describe('Only this model, with its offers'),
  region: z.string().min(1).max(16).optional().describe('Offers from there only: eu, or eu-de'),
  maxPrice: credits.optional().describe('Offers up to this, in credits per million tokens'),
  limit: z.int().min(1).max(MAX_OFFERS_LISTED).default(20).describe('Most offers listed'),
})

const spread = z
  .object({ low: z.number(), median: z.number(), high: z.number() })
  .nullable()
  .describe('Null where nobody offers')

export const marketOutput = z.object({
  models: z.array(
    z.object({
      name: z.string(),
      offers: z.int().describe('Of peers'),
      inputPerMillion: spread.describe('Credits per million prompt tokens'),
      outputPerMillion: spread.describe('Credits per million tokens of answer'),
      tokensPerSecond: spread,
      slots: z.int(),
      freeSlots: z.int(),
      queued: z.int(),
      isOwn: z.boolean().describe('This node offers it, too'),
    }),
  ),
  moreModels: z.int(),
  offers: z.array(
    z.object({
      provider: z.string(),
      isOwn: z.boolean(),
      model: z.string(),
      inputPerMillion: amount,
      outputPerMillion: amount,
      tokensPerSecond: z.number(),
      contextTokens: z.int(),
      freeSlots: z.int(),
      queued: z.int(),
      region: z.string().nullable(),
      dataClass: z.string(),
      reputation: z.number().describe('This node’s own score, 0 to 100'),
      stake: z.string().nullable(),
    }),
  ),
})

export const nothing = z.strictObject({})

export const balanceOutput = z.object({
  holder: z.string().describe('Whose money it is'),
  address: z.string().nullable(),
  spendable: z.string().nullable().describe('Credits that may be spent now; null for no limit'),
  wallet: z
    .object({
      credits: amount,
      settlementCredits: amount.describe('Credits in Settlement'),
      locked: amount.describe('Credits in channels, not spent'),
      unclaimed: amount.describe('Credits earned by vouchers, not claimed yet'),
      stake: amount.describe('Credits at stake'),
      gas: z.string().describe('Of the chain’s own coin'),
      limitPerDay: amount.describe('Credits that may go into channels within 24 hours'),
    })
    .nullable()
    .describe('The node’s own wallet, for its owner'),
})

export const receiptsInput = z.strictObject({
  limit: z.int().min(1).max(MAX_RECEIPTS_LISTED).default(20),
})
export const receiptsOutput = z.object({ receipts: z.array(receiptSchema) })

export const verifyInput = z.strictObject({
  receipt: z.string().min(1).max(128).describe('CID of a receipt, as receipts lists it'),
})
export const verifyOutput = z.object({
  receipt: z.string(),
  verdict: z
    .enum(['honest', 'dishonest', 'altered', 'undecided'])
    .describe(
      'honest: an honest node makes this; dishonest: none does; altered: it is not what was signed; undecided: it cannot be told here',
    ),
  reason: z.string(),
  provider: z.string(),
  model: z.string(),
  amount,
  endedAt: z.string(),
  checks: z.array(z.object({ check: z.string(), result: z.enum(['right', 'wrong', 'unknown']) })),
  tokens: z
    .object({ count: z.int(), matchRate: z.number(), pValue: z.number(), isCalibrated: z.boolean() })
    .nullable()
    .describe('What running the model again showed; null where it was not run'),
})

export const learnOutput = z.object({
  enabled: z.boolean(),
  state: z.string().describe('What learning is doing now'),
  ownData: z.object({ sets: z.int(), rows: z.int(), domains: z.array(z.string()) }),
  rounds: z.array(
    z.object({
      round: z.string(),
      name: z.string(),
      domain: z.string(),
      base: z.string(),
      phase: z.string(),
      phaseEnds: z.string().nullable(),
      members: z.int(),
      updates: z.int(),
      part: z.enum(['none', 'joining', 'member']).describe('What this node does in it'),
      adapter: z.string().nullable().describe('What came of it'),
      failure: z.string().nullable(),
    }),
  ),
  past: z.int().describe('Rounds that have ended'),
})
