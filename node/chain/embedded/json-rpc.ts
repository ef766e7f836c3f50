/** Codes of JSON-RPC 2.0, EIP-1474, and 3: what nodes answer to a call that reverted. */
export const RPC_CODES = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  invalidInput: -32000,
  limitExceeded: -32005,
  reverted: 3,
} as const

export type RpcParams = readonly unknown[]

export interface RpcErrorBody {
  code: number
  message: string
  data?: unknown
}

/** A request's answer that is an error; `data` of a revert is what the contract returned, in hex. */
export class RpcError extends Error {
  override readonly name = 'RpcError'
  readonly code: number
  readonly data: unknown

  constructor(code: number, message: string, data?: unknown) {
    super(message)
    this.code = code
    this.data = data
  }

  toJSON(): RpcErrorBody {
    return {
      code: this.code,
      message: this.message,
      ...(this.data === undefined ? {} : { data: this.data }),
    }
  }
}

/** One request; `id` stays away from here, it belongs to the transport. */
export interface RpcCall {
  method: string
  params: RpcParams
}
