import { type Llama, LlamaGrammarEvaluationState, type LlamaModel } from 'node-llama-cpp'
import { EngineError } from '../engine.ts'
import { messageOf } from './bindings.ts'
import { tightenGrammar, toGrammarSchema } from './json-schema.ts'

/**
 * The part of node-llama-cpp's bindings that moves a grammar over given tokens. The library does so
 * itself for what it samples and offers no way to do it for tokens that were sampled elsewhere.
 */
interface GrammarBindings {
  _bindings: { AddonSampler: { acceptGrammarEvaluationStateToken(state: unknown, token: number): void } }
}

/**
 * A grammar that lets through exactly one JSON value of `schema`, standing after `written`.
 * @param written output that is already there
 * @throws {EngineError} SCHEMA_INVALID; INPUT_INVALID when `written` does not begin such a value
 */
export async function createJsonGrammar(
  modules: { llama: Llama; model: LlamaModel },
  schema: unknown,
  written: readonly number[],
): Promise<LlamaGrammarEvaluationState> {
  const state = await compile(modules, toGrammarSchema(schema))
  try {
    const { AddonSampler } = (modules.llama as unknown as GrammarBindings)._bindings
    const native = (state as unknown as { _state: unknown })._state
    for (const token of written) AddonSampler.acceptGrammarEvaluationStateToken(native, token)
  } catch (error) {
    throw new EngineError('INPUT_INVALID', 'the continuation does not begin a value of the JSON schema', {
      fix: 'Continue with the output that was made under the same schema, or leave the continuation out.',
      cause: error,
    })
  }
  return state
}

async function compile(
  modules: { llama: Llama; model: LlamaModel },
  schema: object,
): Promise<LlamaGrammarEvaluationState> {
  const { llama, model } = modules
  try {
    const generated = await llama.createGrammarForJsonSchema(schema as { type: 'null' })
    const grammar = await llama.createGrammar({ grammar: tightenGrammar(generated.grammar) })
    return new LlamaGrammarEvaluationState({ model, grammar })
  } catch (error) {
    throw new EngineError(
      'SCHEMA_INVALID',
      `no grammar could be made of the JSON schema: ${messageOf(error)}`,
      {
        fix: 'Make the schema smaller: fewer levels, choices and repetitions.',
        cause: error,
      },
    )
  }
}
