const SINGLE_BYTES = 4

/** Numbers as IEEE 754 singles in little-endian order, one vector after the other: the same bytes on every machine. */
export function packVectors(vectors: readonly Float32Array[]): Uint8Array {
  const bytes = new Uint8Array(vectors.reduce((sum, { length }) => sum + SINGLE_BYTES * length, 0))
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const vector of vectors)
    for (const value of vector) {
      view.setFloat32(at, value, true)
      at += SINGLE_BYTES
    }
  return bytes
}

/**
 * The vectors in such bytes; null unless they are whole and all of their numbers finite.
 * @param dimensions numbers of each vector
 */
export function unpackVectors(bytes: Uint8Array, dimensions: number): Float32Array[] | null {
  const vectorBytes = SINGLE_BYTES * dimensions
  if (bytes.length === 0 || bytes.length % vectorBytes !== 0) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const vectors: Float32Array[] = []
  for (let at = 0; at < bytes.length; at += vectorBytes) {
    const vector = new Float32Array(dimensions)
    for (let i = 0; i < dimensions; i++) vector[i] = view.getFloat32(at + SINGLE_BYTES * i, true)
    if (!vector.every(Number.isFinite)) return null
    vectors.push(vector)
  }
  return vectors
}
