import { clientGone } from '../http/client-gone.ts'
import { GatewayError } from '../http/http-error.ts'
import type { GatewayContext, GatewayReply, GatewayRequest } from '../http/plugin.ts'
import type { Principal } from '../http/principal.ts'
import type { Purse } from '../http/purse.ts'
import type { CanonicalRequest } from './canonical-request.ts'
import type {
  EmbeddingRequest,
  EmbeddingResult,
  InferenceEvent,
  InferenceResult,
} from './inference-service.ts'
import { noteInHeaders } from './shoal-info.ts'

/** On whose behalf a request is, and who pays for it. */
export interface Payer {
  principal: Principal
  purse: Purse
}

/**
 * Who pays for a request: the money it brought itself, the channel it names, or its principal's budget.
 * @throws {GatewayError} UNAUTHENTICATED, PAYMENT_REQUIRED
 */
export async function payerOf(
  request: GatewayRequest,
  { accounts }: Pick<GatewayContext, 'accounts'>,
): Promise<Payer> {
  const { principal } = request
  if (principal === null) {
    throw new GatewayError('UNAUTHENTICATED', 'nobody is signed in', {
      fix: 'Sign in, send an API key, or pay by x402.',
    })
  }
  if (request.purse !== null) return { principal, purse: request.purse }
  const channelId = request.headers['shoal-channel']
  const purse = await accounts.purseOf(principal, {
    channelId: typeof channelId === 'string' && channelId !== '' ? channelId : null,
  })
  return { principal, purse }
}

/**
 * Runs what one HTTP request asks for; it is cancelled when the client goes. What is known of the answer before its
 * first word goes into headers.
 */
export async function runCall(
  call: { request: GatewayRequest; reply: GatewayReply; canonical: CanonicalRequest },
  context: Pick<GatewayContext, 'accounts' | 'inference'>,
  onEvent: (choice: number, event: InferenceEvent) => void = () => {},
): Promise<InferenceResult> {
  const { request, reply, canonical } = call
  const signal = clientGone(reply)
  const payer = await payerOf(request, context)
  return context.inference.run(canonical, {
    ...payer,
    signal,
    onEvent: (choice, event) => {
      noteInHeaders(reply, event)
      onEvent(choice, event)
    },
  })
}

/** The same for texts to be embedded. */
export async function runEmbedding(
  call: { request: GatewayRequest; reply: GatewayReply; embedding: EmbeddingRequest },
  context: Pick<GatewayContext, 'accounts' | 'inference'>,
): Promise<EmbeddingResult> {
  const { request, reply, embedding } = call
  const signal = clientGone(reply)
  const payer = await payerOf(request, context)
  return context.inference.embed(embedding, {
    ...payer,
    signal,
    onEvent: (_task, event) => noteInHeaders(reply, event),
  })
}
