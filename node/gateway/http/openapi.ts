import swagger from '@fastify/swagger'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { VERSION } from '../../version.ts'
import type { GatewayPlugin } from './plugin.ts'

/** `/openapi.json`: OpenAPI 3.1, made from the schemas by which requests are read. */
export const openapi: GatewayPlugin = async app => {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.1',
      info: {
        title: 'Shoal',
        version: VERSION,
        description:
          'A Shoal node: any model of the network through the APIs that clients know, and the node itself.',
      },
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'An API key: shoal_…' },
          apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' },
        },
      },
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  })
  app.route({
    method: 'GET',
    url: '/openapi.json',
    config: { needs: 'public' },
    schema: { hide: true },
    handler: async () => app.swagger(),
  })
}
