import { createHash } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import { McpError } from './errors.ts'

export interface ConfirmationsOptions {
  lifetimeMs: number
  /** Tokens that wait; beyond, the oldest is forgotten. */
  maxPending: number
}

/** A token that stands for one call with its exact arguments. */
export interface Confirmation {
  token: string
  expiresAtMs: number
}

const TOKEN_BYTES = 16

/**
 * Confirm tokens of one session: the first call of a tool that spends is answered with one, and only the same call
 * with it goes through, once. What is confirmed cannot be changed between the two, the price cap included.
 */
export class Confirmations {
  readonly #options: ConfirmationsOptions
  readonly #modules: { clock: Clock; randomBytes: (count: number) => Uint8Array }
  /** By token, the oldest first. */
  readonly #pending = new Map<string, { call: string; expiresAtMs: number }>()

  constructor(
    options: ConfirmationsOptions,
    modules: { clock: Clock; randomBytes: (count: number) => Uint8Array },
  ) {
    this.#options = options
    this.#modules = modules
  }

  /** @param parameters of the call, without the token itself */
  issue(tool: string, parameters: Readonly<Record<string, unknown>>): Confirmation {
    const { clock, randomBytes } = this.#modules
    const token = Buffer.from(randomBytes(TOKEN_BYTES)).toString('base64url')
    const expiresAtMs = clock.nowMs() + this.#options.lifetimeMs
    if (this.#pending.size >= this.#options.maxPending)
      this.#pending.delete(this.#pending.keys().next().value!)
    this.#pending.set(token, { call: digestOf(tool, parameters), expiresAtMs })
    return { token, expiresAtMs }
  }

  /**
   * Uses a token up.
   * @throws {McpError} MCP_CONFIRMATION_INVALID where it does not stand for this very call, now
   */
  redeem(token: string, tool: string, parameters: Readonly<Record<string, unknown>>): void {
    const pending = this.#pending.get(token)
    // Whatever comes of it: nobody tries one twice.
    this.#pending.delete(token)
    const isGood =
      pending !== undefined &&
      pending.call === digestOf(tool, parameters) &&
      this.#modules.clock.nowMs() < pending.expiresAtMs
    if (isGood) return
    throw new McpError('MCP_CONFIRMATION_INVALID', 'this confirm token is not for this call, or no longer', {
      fix: 'Call without confirm for a new token, then again with the same arguments and the token.',
    })
  }
}

function digestOf(tool: string, parameters: Readonly<Record<string, unknown>>): string {
  const sorted = Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256')
    .update(JSON.stringify([tool, sorted]))
    .digest('base64url')
}
