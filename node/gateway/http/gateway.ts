import { readFile } from 'node:fs/promises'
import fastify, { LogController } from 'fastify'
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import { type Clock, systemClock } from '../../clock.ts'
import type { ShoalNode } from '../../node.ts'
import { AccountPurses } from '../accounts/account-purses.ts'
import { accountRoutes } from '../accounts/account-routes.ts'
import { requireProtection } from '../accounts/protection.ts'
import { anthropicRoutes } from '../anthropic/routes.ts'
import { askRoutes } from '../api/ask.ts'
import { eventRoutes } from '../api/event-routes.ts'
import { apiRoutes } from '../api/routes.ts'
import { settingsRoutes } from '../api/settings-routes.ts'
import { paymentRoutes } from '../credit/payment-routes.ts'
import { Payments } from '../credit/payments.ts'
import { NetworkInference } from '../inference/network-inference.ts'
import { TOOL_LIMITS, ToolInference } from '../inference/tool-inference.ts'
import { mcpRoutes } from '../mcp/routes.ts'
import { ollamaRoutes } from '../ollama/routes.ts'
import { openaiRoutes } from '../openai/routes.ts'
import type { ServedModels } from '../served-models.ts'
import { webRoutes } from '../web-routes.ts'
import { errorHandling } from './error-handling.ts'
import { healthRoutes } from './health.ts'
import { GatewayError } from './http-error.ts'
import { listenAddress } from './listen-address.ts'
import { openapi } from './openapi.ts'
import type { GatewayApp, GatewayContext, GatewayPlugin } from './plugin.ts'
import { requireNeeds } from './route-needs.ts'

export interface GatewayOptions {
  /** Where to listen, `host:port`; port 0 picks a free one. */
  listen: string
}

export interface GatewayModules {
  node: ShoalNode
  served: ServedModels
  /** Ends the whole process in good order. */
  shutDown: () => void
  clock?: Clock
}

/** The parts of the door, in the order their hooks run. */
const PLUGINS: readonly GatewayPlugin[] = [
  requireNeeds,
  errorHandling,
  openapi,
  accountRoutes,
  healthRoutes,
  openaiRoutes,
  anthropicRoutes,
  ollamaRoutes,
  mcpRoutes,
  paymentRoutes,
  eventRoutes,
  apiRoutes,
  settingsRoutes,
  askRoutes,
  webRoutes,
]

/** Slow clients are looked for so often, or more often where they have less time. */
const CHECK_CONNECTIONS_EVERY_MS = 1_000
const KEEP_ALIVE_MS = 30_000
const MAX_HEADER_BYTES = 16_384
/** What is being answered has so long to end in good order. */
const STOP_WITHIN_MS = 2_000

/** The node's HTTP server: every API it has for programs and people. */
export class Gateway {
  readonly #options: GatewayOptions
  readonly #modules: GatewayModules
  readonly #clock: Clock
  readonly #stopping = new AbortController()
  #app: GatewayApp | null = null
  #stopped: Promise<void> | null = null

  constructor(options: GatewayOptions, modules: GatewayModules) {
    this.#options = options
    this.#modules = modules
    this.#clock = modules.clock ?? systemClock
  }

  /**
   * Listens once all parts are ready.
   * @throws {GatewayError} GATEWAY_UNPROTECTED, GATEWAY_CANNOT_LISTEN
   */
  async start(): Promise<void> {
    const { node } = this.#modules
    const { host, port } = listenAddress(this.#options.listen)
    requireProtection(this.#options.listen, node.config)
    const app = await makeApp(node)
    this.#app = app
    app.addHook('preClose', async () => this.#stopping.abort())
    const context = this.#context()
    try {
      for (const plugin of PLUGINS) await plugin(app, context)
      await app.ready()
      await app.listen({ host, port })
    } catch (error) {
      await this.stop()
      throw cannotListen(error, this.#options.listen)
    }
  }

  /** `http://127.0.0.1:4114`, without a slash at its end. */
  get url(): string {
    const listening = this.#app?.server.address() ?? null
    if (listening === null || typeof listening === 'string') throw new Error('the gateway does not listen')
    const { address, port, family } = listening
    const scheme = this.#modules.node.config['gateway.tlsCert'] === null ? 'http' : 'https'
    return `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${port}`
  }

  /** Ends what is being answered, and every connection. Idempotent; ends within three seconds. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    const app = this.#app
    this.#stopping.abort()
    if (app === null) return
    const timer = this.#clock.setTimer(() => app.server.closeAllConnections(), STOP_WITHIN_MS)
    try {
      await app.close()
    } finally {
      timer.cancel()
    }
  }

  #context(): GatewayContext {
    const { node, served, shutDown } = this.#modules
    const modules = { node, clock: this.#clock, stopping: this.#stopping.signal }
    const payments = node.config['gateway.payments']
      ? new Payments({ node, clock: this.#clock, log: node.log })
      : null
    return {
      ...modules,
      config: node.config,
      log: node.log,
      inference: new ToolInference(TOOL_LIMITS, {
        inference: new NetworkInference(modules),
        tools: node.parts.tools,
        clock: this.#clock,
      }),
      listen: this.#options.listen,
      accounts: new AccountPurses({ accounts: node.parts.accounts, payments }),
      payments,
      served,
      shutDown,
    }
  }
}

async function makeApp({ config, log }: ShoalNode): Promise<GatewayApp> {
  const tls = await tlsFiles(config['gateway.tlsCert'], config['gateway.tlsKey'])
  const requestTimeout = config['gateway.requestTimeout']
  const server = {
    connectionsCheckingInterval: Math.min(CHECK_CONNECTIONS_EVERY_MS, Math.ceil(requestTimeout / 4)),
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: Math.ceil(requestTimeout / 3),
    requestTimeout,
  }
  const options = {
    loggerInstance: log.child({ room: 'gateway' }),
    // Paths and headers are clients' text.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: config['gateway.maxBodyBytes'],
    requestTimeout,
    keepAliveTimeout: KEEP_ALIVE_MS,
    return503OnClosing: true,
    // The last hop is the proxy's word; what came before it, anybody can have written.
    trustProxy: config['gateway.behindProxy'] ? (_address: string, hop: number) => hop === 0 : false,
    exposeHeadRoutes: false,
    requestIdHeader: false as const,
  }
  const app = (tls === null
    ? fastify({ ...options, http: server })
    : fastify({ ...options, https: { ...server, ...tls } })) as unknown as GatewayApp
  app.server.maxConnections = config['gateway.maxConnections']
  app.setValidatorCompiler(validatorCompiler)
  // What we answer is made by ourselves and typed; to check it once more would cost each answer its time.
  app.setSerializerCompiler(() => JSON.stringify)
  // Pages of other sites can send it without asking.
  app.removeContentTypeParser('text/plain')
  app.decorateRequest('principal', null)
  app.decorateRequest('purse', null)
  return app.withTypeProvider<ZodTypeProvider>()
}

async function tlsFiles(
  certFile: string | null,
  keyFile: string | null,
): Promise<{ cert: Buffer; key: Buffer } | null> {
  if (certFile === null && keyFile === null) return null
  if (certFile === null || keyFile === null) {
    throw new GatewayError('GATEWAY_UNPROTECTED', 'TLS needs both a certificate and its key', {
      fix: 'Give both gateway.tlsCert and gateway.tlsKey.',
    })
  }
  try {
    const [cert, key] = await Promise.all([readFile(certFile), readFile(keyFile)])
    return { cert, key }
  } catch (error) {
    throw new GatewayError(
      'GATEWAY_UNPROTECTED',
      `the files for TLS cannot be read: ${(error as Error).message}`,
      {
        fix: 'Check gateway.tlsCert and gateway.tlsKey.',
        cause: error,
      },
    )
  }
}

function cannotListen(error: unknown, listen: string): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (code !== 'EADDRINUSE' && code !== 'EACCES' && code !== 'EADDRNOTAVAIL') return error
  const why =
    code === 'EADDRINUSE'
      ? 'another program listens there'
      : code === 'EACCES'
        ? 'this user may not'
        : 'this machine has no such address'
  return new GatewayError('GATEWAY_CANNOT_LISTEN', `the gateway cannot listen on ${listen}: ${why}`, {
    fix: 'Choose another address with --gateway HOST:PORT; port 0 picks a free one.',
    cause: error,
  })
}
