import type { z } from 'zod'
import { type ControlHandlersOf, controlMethods } from '../control-api.ts'
import type { NodeMethod } from '../control-handlers.ts'
import { clientGone } from '../http/client-gone.ts'
import { GatewayError } from '../http/http-error.ts'
import type { GatewayApp, GatewayRequest } from '../http/plugin.ts'
import { type GatewayScope, OWNER_TENANT, type Principal } from '../http/principal.ts'
import { principalOf } from './event-routes.ts'

/** A command of the node as a resource over HTTP: what it takes and answers is what `shoal … --json` takes and answers. */
export interface ControlRoute {
  method: 'GET' | 'POST'
  url: string
  control: NodeMethod
  needs: GatewayScope
  /** Tells of the owner's own business: not for other tenants. */
  isPrivate?: boolean
  summary: string
  tag: string
  params?: z.ZodType<Record<string, unknown>>
  querystring?: z.ZodType<Record<string, unknown>>
  /** Default for POST: what the command takes, without what the path says. */
  body?: z.ZodType<Record<string, unknown>>
  /** What the command is given beside path, query and body. */
  fixed?: Record<string, unknown>
  /** What of the answer others than the owner see. */
  forOthers?: (answer: never) => unknown
}

/** @throws {GatewayError} FORBIDDEN unless it is the owner, or somebody who was given the operation of the node */
export function assertOwners({ tenant, scopes }: Principal): void {
  if (seesAll({ tenant, scopes })) return
  throw new GatewayError('FORBIDDEN', 'this is the business of the node’s owner', {
    fix: 'Sign in as the owner; your own tasks, receipts and money are told elsewhere.',
  })
}

/** Whether somebody may see the node's own money and work. */
export function seesAll({ tenant, scopes }: Pick<Principal, 'tenant' | 'scopes'>): boolean {
  return tenant === OWNER_TENANT || scopes.has('operate')
}

/** Serves commands as resources. */
export function controlRoutes(
  app: GatewayApp,
  routes: readonly ControlRoute[],
  handlers: ControlHandlersOf<NodeMethod>,
): void {
  for (const route of routes) {
    const { method, url, control, needs, summary, tag, params, querystring, isPrivate, fixed, forOthers } =
      route
    const body =
      route.body ?? (method === 'POST' && params === undefined ? controlMethods[control] : undefined)
    app.route({
      method,
      url,
      config: { needs },
      schema: {
        summary,
        tags: [tag],
        ...(params === undefined ? {} : { params }),
        ...(querystring === undefined ? {} : { querystring }),
        ...(body === undefined ? {} : { body: body as z.ZodType }),
      },
      // A POST without anything to say may come without a body.
      ...(body === undefined ? {} : { preValidation: emptyBody }),
      handler: async (request, reply) => {
        const principal = principalOf(request)
        if (isPrivate === true) assertOwners(principal)
        const given = {
          ...fixed,
          ...record(request.query),
          ...record(request.body),
          ...record(request.params),
        }
        const handler = handlers[control] as (
          parameters: never,
          tell: () => void,
          signal: AbortSignal,
        ) => unknown
        const answer = await handler(parametersOf(control, given), () => {}, clientGone(reply))
        return forOthers === undefined || seesAll(principal) ? answer : forOthers(answer as never)
      },
    })
  }
}

async function emptyBody(request: GatewayRequest): Promise<void> {
  request.body ??= {}
}

function parametersOf(control: NodeMethod, given: Record<string, unknown>): never {
  const parsed = controlMethods[control].safeParse(given)
  if (parsed.success) return parsed.data as never
  const [issue] = parsed.error.issues
  const param = issue?.path.join('.') ?? ''
  throw new GatewayError(
    'REQUEST_INVALID',
    `${param || 'the request'}: ${issue?.message ?? 'is not as expected'}`,
    {
      ...(param === '' ? {} : { param }),
      fix: '/openapi.json tells what is expected.',
    },
  )
}

function record(value: unknown): Record<string, unknown> {
  return (value ?? {}) as Record<string, unknown>
}
