import { type Llama, LlamaGrammarEvaluationState, type LlamaModel } from 'node-llama-cpp'
import { EngineError } from '../engine.ts'
import { messageOf } from './bindings.ts'
import { tightenGrammar, toGrammarSchema } from './json-schema.ts'

/**
 * The part of node-llama-cpp's bindings that moves a grammar over given tokens. The library does so
 * itself for what it samples and offers no way to do it for tokens that were sampled elsewhere.
 */
interface GrammarBindings {
  _bindings: {
    AddonSampler: {
      acceptGrammarEvaluationStateToken(state: unknown, token: number): void
      canBeNextTokenForGrammarEvaluationState(state: unknown, token: number): boolean
    }
  }
}

/** A grammar that stands after the tokens it has accepted. */
export class JsonGrammar {
  /** As node-llama-cpp takes it: what samples with it moves it over the token it took. */
  readonly state: LlamaGrammarEvaluationState
  readonly #model: LlamaModel
  readonly #bindings: GrammarBindings['_bindings']['AddonSampler']

  constructor(modules: { model: LlamaModel; state: LlamaGrammarEvaluationState }) {
    this.#model = modules.model
    this.state = modules.state
    this.#bindings = (modules.model.llama as unknown as GrammarBindings)._bindings.AddonSampler
  }

  /** Whether the output may go on with `token`; with one that ends generations, whether it may end. */
  allows(token: number): boolean {
    return this.#bindings.canBeNextTokenForGrammarEvaluationState(this.#native, token)
  }

  /**
   * Moves on over `token`.
   * @throws {Error} when it is not allowed; then the grammar can no longer be used
   */
  accept(token: number): void {
    if (this.#model.isEogToken(token as never)) return
    this.#bindings.acceptGrammarEvaluationStateToken(this.#native, token)
  }

  get #native(): unknown {
    return (this.state as unknown as { _state: unknown })._state
  }
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
): Promise<JsonGrammar> {
  const state = await compile(modules, toGrammarSchema(schema))
  const grammar = new JsonGrammar({ model: modules.model, state })
  try {
    for (const token of written) grammar.accept(token)
  } catch (error) {
    throw new EngineError('INPUT_INVALID', 'the continuation does not begin a value of the JSON schema', {
      fix: 'Continue with the output that was made under the same schema, or leave the continuation out.',
      cause: error,
    })
  }
  return grammar
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
