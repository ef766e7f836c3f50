import type { DataClass } from '../../protocol/data-class.ts'
import type { TaskSampling } from '../../protocol/messages/task-request.ts'
import { parseCredits } from '../../protocol/money.ts'
import { nonceOfSeed } from '../../protocol/sampling-seed.ts'
import type { Preferences } from '../market/preferences.ts'
import { randomHex } from '../random-hex.ts'
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
    sampling: { temperature, topP, minP, topK, ...seedFrom(seed) },
    stop,
    jsonSchema,
    preferences: preferencesFrom(given, defaultClass),
    ...(given.taskClass === null ? {} : { taskClass: given.taskClass }),
  }
}

/** Who gives a seed wants the same output again; everybody else a new one each time. */
export function seedFrom(seed: number | null): Pick<TaskSampling, 'nonce' | 'seedScope'> {
  if (seed !== null) return { nonce: nonceOfSeed(seed), seedScope: 'nonce' }
  return { nonce: `0x${randomHex(32)}`, seedScope: 'task' }
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
