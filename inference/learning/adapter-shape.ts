import type { AdapterShape } from './adapter.ts'

/** Reads from a base's file which layers an adapter can change. @throws {ModelError} MODEL_INVALID, MODEL_NOT_FOUND */
export async function adapterShapeOf(basePath: string): Promise<AdapterShape> {
  throw new Error(`not yet: ${basePath}`)
}
