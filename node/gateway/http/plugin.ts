import type { IncomingMessage, ServerResponse } from 'node:http'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  RawServerDefault,
} from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { Clock } from '../../clock.ts'
import type { Config } from '../../config/settings.ts'
import type { Logger } from '../../log.ts'
import type { ShoalNode } from '../../node.ts'
import type { Payments } from '../credit/payments.ts'
import type { InferenceService } from '../inference/inference-service.ts'
import type { ServedModels } from '../served-models.ts'
import type { ErrorDialect } from './http-error.ts'
import type { GatewayScope, Purses } from './principal.ts'

/** The server as plugins see it: routes take zod schemas. */
export type GatewayApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>
export type GatewayRequest = FastifyRequest
export type GatewayReply = FastifyReply

/** What plugins are built from. */
export interface GatewayContext {
  node: ShoalNode
  config: Config
  clock: Clock
  log: Logger
  /** Where the gateway listens, `host:port`. */
  listen: string
  inference: InferenceService
  accounts: Purses
  /** Null where nobody can pay here. */
  payments: Payments | null
  /** What became of the models to be offered. */
  served: ServedModels
  /** Fires when the gateway stops: streams end then. */
  stopping: AbortSignal
  /** Ends the whole process in good order. */
  shutDown: () => void
}

/** A part of the door: adds hooks and routes. Listed in `gateway.ts`, in order. */
export type GatewayPlugin = (app: GatewayApp, context: GatewayContext) => void | Promise<void>

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a caller must be allowed to; a route that does not say is refused at registration. */
    needs?: 'public' | GatewayScope
    /** In whose form errors are told; default `api`. */
    dialect?: ErrorDialect
  }
}
