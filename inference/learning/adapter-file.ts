import {
  type Adapter,
  type AdapterLimits,
  DEFAULT_ADAPTER_LIMITS,
  type ExpectedAdapter,
  type ModelDigest,
} from './adapter.ts'

/** The bytes of an adapter's GGUF file; equal adapters have equal bytes. @throws {AdapterError} of what decodeAdapter would refuse */
export function encodeAdapter(adapter: Adapter): Uint8Array {
  throw new Error(`not yet: ${adapter.name}`)
}

/** @throws {AdapterError} NOT_GGUF, TRUNCATED, OVERSIZE, BAD_METADATA, WRONG_TYPE, WRONG_SHAPE, NOT_FINITE */
export function decodeAdapter(bytes: Uint8Array, limits: AdapterLimits = DEFAULT_ADAPTER_LIMITS): Adapter {
  throw new Error(`not yet: ${bytes.length} ${limits.maxBytes}`)
}

/** @throws {AdapterError} as decodeAdapter, and NOT_FOUND */
export async function readAdapterFile(
  path: string,
  limits: AdapterLimits = DEFAULT_ADAPTER_LIMITS,
): Promise<Adapter> {
  throw new Error(`not yet: ${path} ${limits.maxBytes}`)
}

/** Writes the file whole or not at all. */
export async function writeAdapterFile(
  path: string,
  adapter: Adapter,
): Promise<{ digest: ModelDigest; bytes: number }> {
  throw new Error(`not yet: ${path} ${adapter.name}`)
}

/** Digest of the adapter's file. */
export function adapterDigest(adapter: Adapter | Uint8Array): ModelDigest {
  throw new Error(`not yet: ${typeof adapter}`)
}

/** `name@sha256:…`. */
export function adapterModelId(adapter: Adapter): string {
  return `${adapter.name}@${adapterDigest(adapter)}`
}

/** @throws {AdapterError} WRONG_BASE, WRONG_ARCHITECTURE, WRONG_RANK, WRONG_ALPHA, WRONG_MODULES, WRONG_SHAPE */
export function checkAdapter(adapter: Adapter, expected: ExpectedAdapter): void {
  throw new Error(`not yet: ${adapter.name} ${expected.base}`)
}
