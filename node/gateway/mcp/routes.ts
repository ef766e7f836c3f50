import type { GatewayPlugin, GatewayReply, GatewayRequest } from '../http/plugin.ts'
import type { McpEndpoint } from './endpoint.ts'

/** `/mcp`: the node as an MCP server over streamable HTTP. */
export const mcpRoutes: GatewayPlugin = async (app, context) => {
  let endpoint: Promise<McpEndpoint> | null = null
  const endpointOf = () => {
    endpoint ??= import('./endpoint.ts').then(({ McpEndpoint }) => new McpEndpoint(context))
    return endpoint
  }
  app.addHook('preClose', async () => (await endpoint)?.stop())
  // In a scope of its own: of a body that is no JSON clients are told in the protocol's own form.
  await app.register(async scope => {
    scope.removeContentTypeParser('application/json')
    scope.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) =>
      done(null, parsed(body as string)),
    )
    const schema = {
      summary: 'The node as an MCP server over streamable HTTP',
      description:
        'JSON-RPC messages of the Model Context Protocol, which lists its tools, resources and prompts itself.',
      tags: ['MCP'],
    }
    const handler = async (request: GatewayRequest, reply: GatewayReply) => {
      await (await endpointOf()).answer(request, reply, request.body)
      return reply
    }
    const config = { needs: 'look', dialect: 'api' } as const
    scope.route({ method: ['POST', 'DELETE'], url: '/mcp', config, schema, handler })
    // What the server says of its own accord, as long as the client stays.
    scope.route({ method: 'GET', url: '/mcp', config: { ...config, stream: true }, schema, handler })
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
