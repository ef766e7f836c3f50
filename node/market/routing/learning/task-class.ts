import type { Demand } from '../candidate.ts'

/** Expected prompt tokens from which a task is no longer short, or is long. */
const MEDIUM_TOKENS = 128
const LONG_TOKENS = 1_024
/** Beginning of a prompt that is looked at: classes need no more. */
const LOOKED_AT_CHARS = 4_096
/** Share of digits from which a prompt is about numbers. */
const NUMBERS_SHARE = 0.08

/** What a task's class is found from. */
export interface Classified {
  kind: string
  /** Of the last message, or the prompt; looked at here and kept nowhere. */
  text: string
  promptTokens: number
  hasJsonSchema: boolean
}

/**
 * Kind of work by what can be seen at a glance, such as `chat:short:numbers`: by how long the prompt is and whether
 * it wants JSON, shows code, or is about numbers. Who knows better names the class themselves.
 */
export function taskClassOf({ kind, text, promptTokens, hasJsonSchema }: Classified): string {
  const size = promptTokens < MEDIUM_TOKENS ? 'short' : promptTokens < LONG_TOKENS ? 'medium' : 'long'
  return `${kind}:${size}:${hasJsonSchema ? 'json' : natureOf(text.slice(0, LOOKED_AT_CHARS))}`
}

/** A class somebody named, as it is kept. */
export const TASK_CLASS_PATTERN = /^[a-z0-9][a-z0-9._:-]{0,63}$/

/**
 * For which class a policy learns from a demand: its kind of work, apart for each strategy, since a reward is
 * measured by what the strategy wants.
 */
export function learnedClass({ taskClass, preferences }: Pick<Demand, 'taskClass' | 'preferences'>): string {
  return `${taskClass}/${preferences.strategy}`
}

const CODE =
  /```|^[ \t]*(?:import|from|def|class|function|const|let|#include|SELECT)[ \t][^\n]*[({;:"'*]|[;{}][ \t]*$/m

function natureOf(text: string): 'code' | 'numbers' | 'text' {
  if (CODE.test(text)) return 'code'
  const digits = text.match(/\d/g)?.length ?? 0
  return digits > 0 && digits / text.length >= NUMBERS_SHARE ? 'numbers' : 'text'
}
