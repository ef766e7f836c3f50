import { defaultDevice, init } from '@jax-js/jax'
import { LearningError } from '../errors.ts'

export type JaxBackend = 'wasm' | 'webgpu'

/**
 * Makes a backend the one that arrays of this process live on. WebGPU is there in a browser, or in Node with the
 * package `webgpu` (Dawn) installed beside this one.
 * @throws {LearningError} BACKEND_UNAVAILABLE
 */
export async function startBackend(backend: JaxBackend): Promise<void> {
  if (backend === 'webgpu') await provideGpu()
  const started = await init(backend)
  if (!started.includes(backend)) throw unavailable(backend, 'it did not start')
  defaultDevice(backend)
}

/** Whether `startBackend('webgpu')` has a GPU to start, and not only a program that acts as one. */
export async function hasGpu(): Promise<boolean> {
  try {
    await provideGpu()
  } catch {
    return false
  }
  const adapter = await gpuOf()?.requestAdapter()
  return adapter != null && adapter.info?.isFallbackAdapter !== true
}

interface Gpu {
  requestAdapter(): Promise<{ info?: { isFallbackAdapter?: boolean } } | null>
}

function gpuOf(): Gpu | undefined {
  return (globalThis as { navigator?: { gpu?: Gpu } }).navigator?.gpu
}

async function provideGpu(): Promise<void> {
  if (gpuOf() !== undefined) return
  // By a variable, so that nobody takes a package for needed which is not.
  const name = 'webgpu'
  let dawn: { create(options: string[]): unknown; globals: Record<string, unknown> }
  try {
    dawn = (await import(name)) as typeof dawn
  } catch (error) {
    throw unavailable('webgpu', 'there is no navigator.gpu and no package webgpu', error)
  }
  Object.assign(globalThis, dawn.globals)
  Object.defineProperty(globalThis.navigator, 'gpu', { value: dawn.create([]), configurable: true })
}

function unavailable(backend: JaxBackend, reason: string, cause?: unknown): LearningError {
  return new LearningError('BACKEND_UNAVAILABLE', `training on ${backend} is not possible here: ${reason}`, {
    fix:
      backend === 'webgpu'
        ? 'Install the npm package webgpu beside shoal and a driver for this GPU, or set the backend to wasm.'
        : 'Use Node.js 24 or newer, which runs WebAssembly with SIMD.',
    details: { backend },
    ...(cause === undefined ? {} : { cause }),
  })
}
