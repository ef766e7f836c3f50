import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type GgufFile, type GgufValue, writeGguf } from '../../../../inference/models/gguf-writer.ts'
import type { WritableType } from '../../../../inference/models/quantize.ts'

/** A GGUF file that says what the test wants; its few weights are zeros. */
export async function writeTinyGguf(
  path: string,
  options: { metadata?: Record<string, GgufValue>; tensors?: GgufFile['tensors']; name?: string } = {},
): Promise<{ path: string; bytes: Buffer; sha256: string }> {
  await writeGguf(path, {
    metadata: {
      'general.architecture': { type: 'string', value: 'qwen3' },
      'general.name': { type: 'string', value: options.name ?? 'Tiny Test' },
      'qwen3.context_length': { type: 'uint32', value: 512 },
      'qwen3.embedding_length': { type: 'uint32', value: 64 },
      ...options.metadata,
    },
    tensors: options.tensors ?? [
      tensor('token_embd.weight', [64, 16]),
      tensor('output_norm.weight', [64], 'F32'),
    ],
  })
  const bytes = await readFile(path)
  return { path, bytes, sha256: createHash('sha256').update(bytes).digest('hex') }
}

export function tensor(name: string, shape: number[], type: WritableType = 'Q8_0') {
  const count = shape.reduce((product, length) => product * length, 1)
  return { name, shape, type, elements: () => [new Float32Array(count)] }
}
