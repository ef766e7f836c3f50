import { z } from 'zod'
import { DATA_CLASSES } from '../../../protocol/data-class.ts'
import { ADDRESS_PATTERN } from '../../../protocol/ids.ts'
import { STRATEGIES } from '../../market/preferences.ts'
import { GATEWAY_ROLES, GATEWAY_SCOPES } from '../http/principal.ts'

/**
 * What the routes and commands about accounts take and answer. Amounts are decimal credits, times ISO 8601.
 *
 * | route | needs | does |
 * | --- | --- | --- |
 * | GET /api/me | - | who I am, what I may, and how to sign in |
 * | GET /api/session/nonce | - | what a Sign-In with Ethereum message must hold |
 * | POST /api/session/wallet | - | signs in with such a message |
 * | POST /api/session/owner | - | trades the owner's one-time token for a session |
 * | GET /api/session/oidc | - | sends the browser to the identity provider, if one is set up |
 * | GET /api/session/oidc/callback | - | where it comes back |
 * | POST /api/session/refresh | - | a new short-lived cookie, by the refresh cookie |
 * | POST /api/session/end | - | signs out, here or everywhere |
 * | GET POST /api/keys, POST /api/keys/:id/rotate, DELETE /api/keys/:id | spend | keys of the own tenant; of all with `administer` |
 * | GET POST /api/tenants, GET PATCH /api/tenants/:id | administer | tenants |
 *
 * A session is a cookie that scripts cannot read, good for a quarter of an hour. A page begins with POST
 * /api/session/refresh, which renews it (or says who else one is); GET /api/me keeps it while the page is open. Requests that change something send the token of `csrf`, from
 * `/api/me` or a sign-in, in the header `shoal-csrf`.
 */
export const CSRF_HEADER = 'shoal-csrf'

const credits = z.string().regex(/^\d{1,21}(\.\d{1,18})?$/)
const timestamp = z.iso.datetime()
const address = z.string().regex(ADDRESS_PATTERN)

/** A name of 1 to 63 letters, digits and hyphens, a wallet's address, or `oidc-…`. */
export const tenantId = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/)
export const keyId = z.string().regex(/^[a-z0-9]{12}$/)
const label = z
  .string()
  .trim()
  .min(1)
  .max(80)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: names are shown in terminals
  .refine(text => text.isWellFormed() && !/[\u0000-\u001f\u007f-\u009f]/.test(text), {
    message: 'must be text',
  })

export const BUDGET_PERIODS = ['day', 'month', 'ever'] as const

const budgetInput = z.strictObject({ amount: credits, per: z.enum(BUDGET_PERIODS) })

const policyFields = {
  models: z.nullable(z.array(z.string().min(1).max(200)).max(64)),
  maxPricePerRequest: z.nullable(credits),
  dataClass: z.nullable(z.enum(DATA_CLASSES)),
  strategies: z.nullable(z.array(z.enum(STRATEGIES)).max(STRATEGIES.length)),
  requestsPerMinute: z.int().min(1).max(1_000_000),
  concurrent: z.int().min(1).max(10_000),
  budget: z.nullable(budgetInput),
}

/** A policy as it is shown; null where nothing is limited. */
export const policyView = z.object({
  ...policyFields,
  requestsPerMinute: z.nullable(policyFields.requestsPerMinute),
  concurrent: z.nullable(policyFields.concurrent),
})
export type PolicyView = z.output<typeof policyView>

/** What is to be changed of a policy; what is left out stays. */
export const policyInput = z.strictObject(policyFields).partial()

export const budgetView = z.object({
  amount: credits,
  per: z.enum(BUDGET_PERIODS),
  spent: credits,
  /** By requests that run. */
  reserved: credits,
  remaining: credits,
  /** When it begins anew; null for `ever`. */
  resetsAt: z.nullable(timestamp),
})
export type BudgetView = z.output<typeof budgetView>

/** How the caller can sign in. */
const signInView = z.object({
  /** With the owner's one-time token, which `shoal serve` and `shoal keys owner` print. */
  owner: z.literal(true),
  /** What a Sign-In with Ethereum message must hold beside the nonce of /api/session/nonce; null without a chain. */
  wallet: z.nullable(
    z.object({ domain: z.string(), uri: z.string(), chainId: z.int(), statement: z.string() }),
  ),
  /** Where to send the browser for the identity provider; null without one. */
  oidc: z.nullable(z.string()),
})

export const meView = z.object({
  /** Null for callers without credentials. */
  subject: z.nullable(z.string()),
  tenant: z.nullable(z.string()),
  name: z.nullable(z.string()),
  role: z.nullable(z.enum(GATEWAY_ROLES)),
  scopes: z.array(z.enum(GATEWAY_SCOPES)),
  via: z.nullable(z.enum(['loopback', 'owner-token', 'api-key', 'session', 'payment'])),
  wallet: z.nullable(address),
  /** To be sent in the header `shoal-csrf`; null where no cookie is used. */
  csrf: z.nullable(z.string()),
  /** When one must sign in again; null where no cookie is used. */
  sessionExpiresAt: z.nullable(timestamp),
  policy: z.nullable(policyView),
  budget: z.nullable(budgetView),
  /** Of the caller's wallet on chain: in it, and held for it by Settlement; null without wallet or chain. */
  balances: z.nullable(z.object({ gas: z.string(), credits, settlementCredits: credits })),
  signIn: signInView,
})
export type MeView = z.output<typeof meView>

export const nonceView = z.object({
  nonce: z.string(),
  domain: z.string(),
  uri: z.string(),
  chainId: z.int(),
  statement: z.string(),
  expiresAt: timestamp,
})
export type NonceView = z.output<typeof nonceView>

export const walletSignIn = z.strictObject({
  /** An ERC-4361 message. */
  message: z.string().min(1).max(4_096),
  /** Of an account, or whatever the wallet's contract takes (ERC-1271). */
  signature: z.string().regex(/^0x(?:[0-9a-fA-F]{2}){1,8192}$/),
})

export const ownerSignIn = z.strictObject({ token: z.string().min(1).max(200) })
export const sessionEnd = z.strictObject({
  /** Ends all sessions of the caller, on other devices too. */
  everywhere: z.boolean().default(false),
})

export const keyView = z.object({
  id: keyId,
  name: z.string(),
  tenant: tenantId,
  role: z.enum(GATEWAY_ROLES),
  scopes: z.array(z.enum(GATEWAY_SCOPES)),
  state: z.enum(['active', 'expired', 'revoked']),
  createdAt: timestamp,
  expiresAt: z.nullable(timestamp),
  revokedAt: z.nullable(timestamp),
  lastUsedAt: z.nullable(timestamp),
  /** Until when the key before the last rotation is still taken; null when it is not. */
  oldSecretUntil: z.nullable(timestamp),
  budget: z.nullable(budgetView),
})
export type KeyView = z.output<typeof keyView>

/** The only time the key itself is told. */
export const newKeyView = keyView.extend({ key: z.string() })
export type NewKeyView = z.output<typeof newKeyView>

/** At most ten years. */
const MAX_KEY_LIFETIME_S = 10 * 366 * 24 * 3_600
/** A rotated key is taken for a week more at most. */
const MAX_OVERLAP_S = 7 * 24 * 3_600

export const keyInput = z.strictObject({
  name: label,
  /** Default: the caller's own. */
  tenant: tenantId.optional(),
  role: z.enum(GATEWAY_ROLES).default('user'),
  /** Default: all that the role may do. */
  scopes: z.array(z.enum(GATEWAY_SCOPES)).min(1).max(GATEWAY_SCOPES.length).optional(),
  expiresInSeconds: z.nullable(z.int().min(1).max(MAX_KEY_LIFETIME_S)).default(null),
  /** Of this key, within that of its tenant. */
  budget: z.nullable(budgetInput).default(null),
})
export type KeyInput = z.output<typeof keyInput>

export const rotateInput = z.strictObject({
  /** How long the old key is still taken. */
  overlapSeconds: z
    .int()
    .min(0)
    .max(MAX_OVERLAP_S)
    .default(24 * 3_600),
})

export const tenantView = z.object({
  id: tenantId,
  name: z.string(),
  state: z.enum(['active', 'disabled']),
  /** The most that its keys and people may be. */
  role: z.enum(GATEWAY_ROLES),
  policy: policyView,
  budget: z.nullable(budgetView),
  spent: z.object({ day: credits, month: credits, ever: credits }),
  createdAt: timestamp,
})
export type TenantView = z.output<typeof tenantView>

export const tenantInput = z.strictObject({
  id: tenantId,
  name: label.optional(),
  role: z.enum(GATEWAY_ROLES).default('user'),
  policy: policyInput.default({}),
})
export type TenantInput = z.output<typeof tenantInput>

export const tenantChange = z.strictObject({
  name: label.optional(),
  disabled: z.boolean().optional(),
  role: z.enum(GATEWAY_ROLES).optional(),
  policy: policyInput.optional(),
})
export type TenantChange = z.output<typeof tenantChange>
