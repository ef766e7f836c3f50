import type { EdrContext } from '@nomicfoundation/edr'
import { createEvmRuntime } from '../../node/chain/embedded/evm.ts'

let runtime: Promise<EdrContext> | undefined

/** The one runtime of the test process. */
export function evmRuntime(): Promise<EdrContext> {
  runtime ??= createEvmRuntime()
  return runtime
}
