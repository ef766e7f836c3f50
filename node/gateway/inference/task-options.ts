import { covers, type DataClass } from '../../../protocol/data-class.ts'
import { NODE_KEY_PATTERN } from '../../../protocol/ids.ts'
import { MAX_CHAT_MESSAGES, MAX_STOP_STRINGS, MAX_TEXT_BYTES } from '../../../protocol/limits.ts'
import { ConfigError } from '../../config/errors.ts'
import { nodeKeyFrom } from '../../config/node-key.ts'
import type { Config } from '../../config/settings.ts'
import { DEFAULT_PREFERENCES, type Preferences } from '../../market/preferences.ts'
import type { ProviderId } from '../../market/routing/candidate.ts'
import type { AskOptions } from '../../tasks/ask.ts'
import { seedFrom } from '../ask-options.ts'
import { GatewayError } from '../http/http-error.ts'
import type { TenantPolicy } from '../http/principal.ts'
import type { CanonicalRequest } from './canonical-request.ts'
import { constraintOf } from './grammar-schema.ts'
import { wireMessages } from './tool-prompt.ts'

/** Engines draw among so many candidates; asking for more asks for all. */
const MAX_TOP_K = 64
/** What engines can do at most. */
const MAX_TEMPERATURE = 5

/**
 * A request as the node's own kind of task, one for all of its choices.
 * @param modules.model as `chosenModel` says
 * @throws {GatewayError} REQUEST_INVALID, FORBIDDEN
 */
export function taskOptions(
  request: CanonicalRequest,
  modules: { model: string | null; config: Config; policy: TenantPolicy },
): Omit<AskOptions, 'maxPrice'> {
  const { input, stop, temperature, topP, topK, minP, shoal } = request
  const { model, config, policy } = modules
  if (stop.length > MAX_STOP_STRINGS) throw invalid('stop', `has more than ${MAX_STOP_STRINGS} strings`)
  return {
    input: input.kind === 'completion' ? input : { kind: 'chat', messages: messagesOf(request) },
    model,
    maxTokens: request.maxTokens ?? config['gateway.answerTokens'],
    sampling: {
      temperature: Math.min(temperature, MAX_TEMPERATURE),
      ...{ topP, minP, topK: Math.min(topK, MAX_TOP_K) },
      // Each choice gets its own.
      ...{ nonce: `0x${'0'.repeat(64)}`, seedScope: 'task' },
    },
    stop: [...stop],
    ...(request.logprobs === null ? {} : { logprobs: wantedLogprobs(request) }),
    jsonSchema: constraintOf(request),
    preferences: preferencesOf(request, config, policy),
    ...(shoal.taskClass === null ? {} : { taskClass: shoal.taskClass }),
  }
}

function messagesOf({ input, tools, toolChoice }: CanonicalRequest) {
  if (input.kind !== 'chat') return []
  const messages = wireMessages(input.messages, tools, toolChoice)
  if (messages.length === 0) throw invalid('messages', 'are none')
  if (messages.length > MAX_CHAT_MESSAGES) throw invalid('messages', `are more than ${MAX_CHAT_MESSAGES}`)
  const isLong = messages.some(({ content }) => Buffer.byteLength(content) > MAX_TEXT_BYTES)
  if (isLong) throw invalid('messages', `one is longer than ${MAX_TEXT_BYTES} bytes`)
  return messages
}

function wantedLogprobs({ logprobs, shoal }: CanonicalRequest): number {
  if ((shoal.slaClass ?? DEFAULT_PREFERENCES.slaClass) === 'B') return logprobs!
  throw new GatewayError('MODEL_CANNOT', 'answers that are compared tell no log-probabilities', {
    param: 'logprobs',
    fix: 'Leave out logprobs, or take the SLA class B.',
  })
}

/** Who gives a seed wants the same answers again, each choice another one. */
export function seeded(
  ask: Omit<AskOptions, 'maxPrice'>,
  seed: number | null,
  choice: number,
): AskOptions['sampling'] {
  return { ...ask.sampling, ...seedFrom(seed === null ? null : seed + choice) }
}

export function preferencesOf(
  { shoal }: Pick<CanonicalRequest, 'shoal'>,
  config: Config,
  policy: TenantPolicy,
): Preferences {
  const strategy = shoal.strategy ?? policy.strategies?.[0] ?? DEFAULT_PREFERENCES.strategy
  if (policy.strategies !== null && !policy.strategies.includes(strategy)) {
    throw new GatewayError('FORBIDDEN', `this key may not use the strategy ${strategy}`, {
      param: 'shoal.strategy',
      fix: `Use one of ${policy.strategies.join(', ')}.`,
    })
  }
  return {
    strategy,
    mode: shoal.mode ?? DEFAULT_PREFERENCES.mode,
    slaClass: shoal.slaClass ?? DEFAULT_PREFERENCES.slaClass,
    dataClass: stricter(shoal.dataClass ?? config['privacy.defaultClass'], policy.dataClass),
    region: shoal.region,
    minReputation: shoal.minReputation ?? DEFAULT_PREFERENCES.minReputation,
    minStake: shoal.minStake ?? DEFAULT_PREFERENCES.minStake,
    minQuality: shoal.minQuality ?? DEFAULT_PREFERENCES.minQuality,
    deadlineMs: shoal.deadlineMs,
    auction: shoal.auction,
  }
}

function stricter(wanted: DataClass, least: DataClass | null): DataClass {
  return least === null || covers(wanted, least) ? wanted : least
}

/** @throws {GatewayError} REQUEST_INVALID */
export function providerFrom(text: string): ProviderId {
  if (text === 'local' || /^cloud:.{1,64}$/.test(text)) return text as ProviderId
  if (NODE_KEY_PATTERN.test(text)) return text
  try {
    return nodeKeyFrom(text, 'shoal.preferredProvider')
  } catch (error) {
    if (error instanceof ConfigError) throw invalid('shoal.preferredProvider', 'is no PeerId')
    throw error
  }
}

function invalid(param: string, what: string): GatewayError {
  return new GatewayError('REQUEST_INVALID', `${param} ${what}`, { param })
}
