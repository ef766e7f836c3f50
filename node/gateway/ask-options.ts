import { randomInt } from 'node:crypto'
import type { DataClass } from '../../protocol/data-class.ts'
import { parseCredits } from '../../protocol/money.ts'
import type { Preferences } from '../market/preferences.ts'
import type { AskOptions } from '../tasks/ask.ts'
import type { ControlParameters } from './control-api.ts'

/**
 * What a caller of the control API asks for, as a task.
 * @param defaultClass of data, where the caller names none
 */
export function askOptionsFrom(given: ControlParameters<'ask'>, defaultClass: DataClass): AskOptions {
  const { messages, model, maxTokens, maxPrice, temperature, topP, minP, topK, seed, stop, jsonSchema } =
    given
  return {
    input: { kind: 'chat', messages },
    model,
    maxTokens,
    maxPrice: maxPrice === null ? null : parseCredits(maxPrice),
    sampling: { temperature, topP, minP, topK, seed: seed ?? randomInt(2 ** 32) },
    stop,
    jsonSchema,
    preferences: preferencesFrom(given, defaultClass),
    ...(given.taskClass === null ? {} : { taskClass: given.taskClass }),
  }
}

/** How a task is to be done, from what the caller gave or left to its default. */
function preferencesFrom(given: ControlParameters<'ask'>, defaultClass: DataClass): Preferences {
  const { strategy, mode, slaClass, dataClass, region, minReputation, minQuality, deadlineMs, auction } =
    given
  const minStake = parseCredits(given.minStake)
  return {
    ...{ strategy, mode, slaClass, dataClass: dataClass ?? defaultClass, region },
    ...{ minReputation, minStake, minQuality, deadlineMs, auction },
  }
}
