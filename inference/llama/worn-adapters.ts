import type { LlamaContext, LlamaModel } from 'node-llama-cpp'
import { messageOf } from './bindings.ts'

/** llama.cpp's adapter as the native addon gives it out. */
interface NativeLora {
  dispose(): Promise<void>
}

/**
 * What is used of node-llama-cpp's inside. Its own way to load adapters keeps them in memory as long as the base, by path
 * whatever the file holds now, and only after the context is made, whose graph then may lack room for them (llama.cpp
 * counts the nodes of adapters when a context is made).
 */
interface AddonModel {
  _llama: { _bindings: { AddonModelLora: new (model: object, path: string) => NativeLora } }
  _model: { loadLora(lora: NativeLora): Promise<void> }
}
interface AddonContext {
  _ctx: { setLoras(loras: readonly NativeLora[], scales: readonly number[]): void }
}

/** Adapters in memory for one model; several contexts of it can wear them. */
export interface WornAdapters {
  wear(context: LlamaContext): void
  /** Frees them; the contexts that wear them have to be gone. */
  dispose(): Promise<void>
}

/**
 * Reads adapters for contexts of `model` that are yet to be made.
 * @throws {Error} when llama.cpp does not take one; none is kept then
 */
export async function loadAdapters(
  model: LlamaModel,
  adapters: readonly { path: string; scale: number }[],
): Promise<WornAdapters> {
  const inside = model as unknown as AddonModel
  const loras: NativeLora[] = []
  const dispose = async () => {
    for (const lora of loras.splice(0)) await lora.dispose()
  }
  try {
    for (const { path } of adapters) {
      const lora = new inside._llama._bindings.AddonModelLora(inside._model, path)
      await inside._model.loadLora(lora)
      loras.push(lora)
    }
  } catch (error) {
    await dispose()
    throw new Error(`llama.cpp does not take the adapter: ${messageOf(error)}`, { cause: error })
  }
  const scales = adapters.map(({ scale }) => scale)
  return {
    wear: context => {
      if (loras.length > 0) (context as unknown as AddonContext)._ctx.setLoras(loras, scales)
    },
    dispose,
  }
}
