import { z } from 'zod'
import type { GatewayPlugin } from './plugin.ts'

const healthSchema = z
  .object({ status: z.enum(['ok', 'degraded']), trading: z.boolean(), auditLog: z.boolean() })
  .describe('Whether the node works; degraded: it cannot trade, or cannot write its audit log.')

/** `/healthz`: for whatever restarts nodes or sends clients to them. */
export const healthRoutes: GatewayPlugin = (app, { node }) => {
  app.route({
    method: 'GET',
    url: '/healthz',
    config: { needs: 'public' },
    schema: {
      summary: 'Whether the node works',
      tags: ['node'],
      response: { 200: healthSchema, 503: healthSchema },
    },
    handler: async (_request, reply) => {
      const trading = node.tradeOrNull !== null
      const auditLog = node.auditHealthy
      const status = trading && auditLog ? ('ok' as const) : ('degraded' as const)
      return reply.code(status === 'ok' ? 200 : 503).send({ status, trading, auditLog })
    },
  })
}
