import { randomBytes } from 'node:crypto'
import fastifyCookie from '@fastify/cookie'
import { z } from 'zod'
import { isLoopback, listenAddress } from '../http/listen-address.ts'
import type { GatewayApp, GatewayContext, GatewayPlugin } from '../http/plugin.ts'
import { AccountDesk } from './account-desk.ts'
import {
  keyId,
  keyInput,
  keyView,
  newKeyView,
  rotateInput,
  tenantChange,
  tenantId,
  tenantInput,
  tenantView,
} from './account-schemas.ts'
import { Guard } from './guard.ts'
import { OidcSignIn } from './oidc-sign-in.ts'
import { RateLimits } from './rate-limits.ts'
import { RecentBalances } from './recent-balances.ts'
import { sessionRoutes } from './session-routes.ts'
import { Sites } from './sites.ts'
import { WalletSignIn } from './wallet-sign-in.ts'

/** Who asks, and what they may: the guard before every route, and the routes about accounts. */
export const accountRoutes: GatewayPlugin = async (app, context) => {
  const { node, config, clock, log } = context
  const { accounts } = node.parts
  const rates = new RateLimits({ clock })
  await app.register(fastifyCookie)
  makeGuard(context, rates).install(app)
  const client = () => node.tradeOrNull?.economy.client ?? null
  const { chainId } = node.parts.deployment
  sessionRoutes(app, {
    ...{ accounts, clock, log, rates, chainId, balances: new RecentBalances({ clock, client }) },
    wallets: new WalletSignIn({ clock, random: randomBytes, chainId, client }),
    oidc: identityProvider(context),
    oidcBudgetPerDay: config['gateway.oidcBudget'],
  })
  deskRoutes(app, new AccountDesk({ accounts, clock, log }))
}

function makeGuard({ node, config, payments, log, listen }: GatewayContext, rates: RateLimits): Guard {
  const { host } = listenAddress(listen)
  const isTls = config['gateway.tlsCert'] !== null
  const isBehindProxy = config['gateway.behindProxy']
  const isLocalOnly = isLoopback(host) && !isBehindProxy
  const forAll = config['gateway.auth'] ? config['gateway.loopbackAccess'] : 'everything'
  return new Guard(
    {
      ...{ isLocalOnly, isTls },
      local: !isLocalOnly || forAll === 'none' ? 'nothing' : forAll,
      requestsPerMinuteOfAddress: config['gateway.addressRequestsPerMinute'],
      maxStreams: config['gateway.maxStreams'],
    },
    {
      ...{ accounts: node.parts.accounts, rates, payments, log },
      sites: new Sites({
        ...{ listenHost: host, isTls, isBehindProxy },
        hosts: config['gateway.hosts'],
        origins: config['gateway.origins'],
      }),
    },
  )
}

function identityProvider({ config, clock }: GatewayContext): OidcSignIn | null {
  const issuer = config['gateway.oidcIssuer']
  const clientId = config['gateway.oidcClient']
  if (issuer === null || clientId === null) return null
  return new OidcSignIn(
    { issuer, clientId, clientSecret: config['gateway.oidcSecret'] },
    { clock, random: randomBytes },
  )
}

function deskRoutes(app: GatewayApp, desk: AccountDesk): void {
  const keys = { config: { needs: 'spend', dialect: 'api' } as const, tags: ['keys'] }
  const tenants = { config: { needs: 'administer', dialect: 'api' } as const, tags: ['tenants'] }
  const keyParams = z.object({ id: keyId })
  const tenantParams = z.object({ id: tenantId })

  app.route({
    method: 'GET',
    url: '/api/keys',
    config: keys.config,
    schema: {
      summary: 'API keys of your tenant; of all, or of one, for admins',
      tags: keys.tags,
      querystring: z.object({ tenant: tenantId.optional() }),
      response: { 200: z.array(keyView) },
    },
    handler: async request => desk.keys(request.principal!, request.query.tenant ?? null),
  })
  app.route({
    method: 'POST',
    url: '/api/keys',
    config: keys.config,
    schema: {
      summary: 'Make an API key; it is told this once',
      tags: keys.tags,
      body: keyInput,
      response: { 200: newKeyView },
    },
    handler: (request, reply) => {
      reply.header('cache-control', 'no-store')
      return desk.createKey(request.principal!, request.body)
    },
  })
  app.route({
    method: 'POST',
    url: '/api/keys/:id/rotate',
    config: keys.config,
    schema: {
      summary: 'Give a key a new secret; the old one is taken for a while more',
      tags: keys.tags,
      params: keyParams,
      body: rotateInput,
      response: { 200: newKeyView },
    },
    handler: (request, reply) => {
      reply.header('cache-control', 'no-store')
      return desk.rotateKey(request.principal!, request.params.id, request.body.overlapSeconds * 1_000)
    },
  })
  app.route({
    method: 'DELETE',
    url: '/api/keys/:id',
    config: keys.config,
    schema: { summary: 'Revoke a key', tags: keys.tags, params: keyParams, response: { 200: keyView } },
    handler: request => desk.revokeKey(request.principal!, request.params.id),
  })

  app.route({
    method: 'GET',
    url: '/api/tenants',
    config: tenants.config,
    schema: {
      summary: 'Tenants and what they spend',
      tags: tenants.tags,
      response: { 200: z.array(tenantView) },
    },
    handler: async () => desk.tenants(),
  })
  app.route({
    method: 'POST',
    url: '/api/tenants',
    config: tenants.config,
    schema: {
      summary: 'Make a tenant',
      tags: tenants.tags,
      body: tenantInput,
      response: { 200: tenantView },
    },
    handler: request => desk.createTenant(request.body),
  })
  app.route({
    method: 'GET',
    url: '/api/tenants/:id',
    config: tenants.config,
    schema: {
      summary: 'One tenant',
      tags: tenants.tags,
      params: tenantParams,
      response: { 200: tenantView },
    },
    handler: async request => desk.tenant(request.params.id),
  })
  app.route({
    method: 'PATCH',
    url: '/api/tenants/:id',
    config: tenants.config,
    schema: {
      summary: 'Change limits and policy of a tenant, or disable it',
      tags: tenants.tags,
      params: tenantParams,
      body: tenantChange,
      response: { 200: tenantView },
    },
    handler: request => desk.changeTenant(request.params.id, request.body),
  })
}
