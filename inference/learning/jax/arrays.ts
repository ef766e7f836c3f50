import { numpy as np } from '@jax-js/jax'

/** Copies numbers to where the mathematics runs. */
export function arrayOf(values: Float32Array | Int32Array, shape: number[] = [values.length]): np.Array {
  // None of ours are shared between threads, which the library's types rule out.
  return np.array(values as Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>).reshape(shape)
}

/** Copies them back, and gives up the array. */
export async function numbersOf(array: np.Array): Promise<Float32Array> {
  return (await array.data()) as Float32Array
}
