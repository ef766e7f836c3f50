import type { AddressInfo } from 'node:net'
import fastify from 'fastify'
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import { systemClock } from '../../node/clock.ts'
import { LOOPBACK } from '../../node/gateway/accounts/accounts.ts'
import { errorHandling } from '../../node/gateway/http/error-handling.ts'
import { GatewayError } from '../../node/gateway/http/http-error.ts'
import type { GatewayApp, GatewayContext, GatewayPlugin } from '../../node/gateway/http/plugin.ts'
import { SCOPES_OF_ROLE } from '../../node/gateway/http/principal.ts'
import { requireNeeds } from '../../node/gateway/http/route-needs.ts'
import { silentLog } from './hosts.ts'

/**
 * Some of the gateway's plugins on a real server, for the admin that owns the node, or a user of
 * the tenant that the header `x-tenant` names.
 */
export async function gatewayApp(
  context: Partial<GatewayContext> & Pick<GatewayContext, 'node'>,
  plugins: readonly GatewayPlugin[],
): Promise<{ url: string; stop: () => Promise<void> }> {
  const stopping = new AbortController()
  const app = fastify({ forceCloseConnections: true }) as unknown as GatewayApp
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(() => JSON.stringify)
  app.decorateRequest('principal', null)
  app.decorateRequest('purse', null)
  app.addHook('onRequest', async request => {
    const tenant = request.headers['x-tenant']
    const role = tenant === undefined ? 'admin' : 'user'
    const scopes = new Set(SCOPES_OF_ROLE[role])
    request.principal = {
      ...{ ...LOOPBACK, role, scopes },
      ...(typeof tenant === 'string' ? { tenant } : {}),
    }
    const { needs } = request.routeOptions.config
    if (needs !== undefined && needs !== 'public' && !scopes.has(needs)) {
      throw new GatewayError('FORBIDDEN', `this takes the right to ${needs}`)
    }
  })
  const whole = {
    clock: systemClock,
    log: silentLog,
    stopping: stopping.signal,
    ...context,
  } as GatewayContext
  for (const plugin of [requireNeeds, errorHandling, ...plugins])
    await plugin(app.withTypeProvider<ZodTypeProvider>(), whole)
  await app.listen({ host: '127.0.0.1', port: 0 })
  return {
    url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`,
    stop: async () => {
      stopping.abort()
      await app.close()
    },
  }
}
