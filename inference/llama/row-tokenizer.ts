import type { LossRow } from '../engine.ts'
import { messageOf, openLlama } from './bindings.ts'
import { PromptWriter } from './prompt.ts'
import { TextRows, type TokenRow } from './text-rows.ts'

/** A model's vocabulary and chat template without its weights. */
export interface RowTokenizer {
  /** Token ids are 0 to `size - 1`. */
  readonly vocabularySize: number
  /** @throws {EngineError} INPUT_INVALID */
  write(row: LossRow): TokenRow[]
  close(): Promise<void>
}

/**
 * Opens a model file for its words alone, to turn examples into the tokens that `Engine.measureLoss` measures. It runs
 * native code in this process: for processes of their own, such as a trainer's.
 * @throws {EngineError} ENGINE_UNAVAILABLE
 * @throws {Error} when llama.cpp does not know the file
 */
export async function openRowTokenizer(path: string): Promise<RowTokenizer> {
  const { llama } = await openLlama({ gpu: false }, { log: () => {} })
  const model = await llama.loadModel({ modelPath: path, vocabOnly: true }).catch((error: unknown) => {
    throw new Error(`llama.cpp could not read ${path}: ${messageOf(error)}`, { cause: error })
  })
  const rows = new TextRows({ model, prompts: new PromptWriter({ model }) })
  return {
    vocabularySize: model.fileInfo.metadata.tokenizer.ggml.tokens.length,
    write: row => rows.write(row),
    close: () => model.dispose(),
  }
}
