import type { FastifyError, FastifyRequest } from 'fastify'
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'
import { isShoalError, type ShoalError } from '../../../protocol/errors.ts'
import { type ErrorDialect, errorBody, GatewayError, publicError, statusOf } from './http-error.ts'
import type { GatewayPlugin } from './plugin.ts'

/** Tells every error in the form its route's clients read, and never more than they may know. */
export const errorHandling: GatewayPlugin = (app, { log }) => {
  app.setErrorHandler((thrown: FastifyError, request, reply) => {
    const error = publicError(gatewayErrorOf(thrown))
    if (!isShoalError(thrown) && error.code === 'INTERNAL') log.error({ err: thrown }, 'a request failed')
    if (error instanceof GatewayError) void reply.headers(error.headers)
    return reply.code(statusOf(error)).send(errorBody(error, dialectOf(request)))
  })
  app.setNotFoundHandler((request, reply) => {
    const error = new GatewayError('NOT_FOUND', 'there is nothing here', {
      fix: '/openapi.json tells what there is.',
    })
    return reply.code(404).send(errorBody(error, dialectOf(request)))
  })
}

/** Of the route; of what nobody serves, by its path. */
function dialectOf(request: FastifyRequest): ErrorDialect {
  const { dialect } = request.routeOptions.config
  if (dialect !== undefined) return dialect
  return request.url.startsWith('/v1/') ? 'openai' : 'api'
}

/** What Fastify throws before a route runs, in our words. */
function gatewayErrorOf(thrown: FastifyError): FastifyError | ShoalError {
  if (isShoalError(thrown)) return thrown
  if (hasZodFastifySchemaValidationErrors(thrown)) {
    const [issue] = thrown.validation
    const param = issue?.instancePath.slice(1).replaceAll('/', '.') ?? ''
    const where = param === '' ? `the ${thrown.validationContext ?? 'request'}` : param
    return new GatewayError('REQUEST_INVALID', `${where}: ${issue?.message ?? 'is not as expected'}`, {
      ...(param === '' ? {} : { param }),
      fix: '/openapi.json tells what is expected.',
    })
  }
  switch (thrown.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new GatewayError('REQUEST_TOO_LARGE', 'the request is too large', { fix: 'Shorten it.' })
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new GatewayError('MEDIA_UNSUPPORTED', 'the request is not JSON', {
        fix: 'Send content-type: application/json.',
      })
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new GatewayError('REQUEST_INVALID', 'the body is no valid JSON', {
        fix: 'Send one JSON object.',
      })
    default: {
      const isTheirs = thrown.statusCode !== undefined && thrown.statusCode >= 400 && thrown.statusCode < 500
      return isTheirs
        ? new GatewayError('REQUEST_INVALID', 'the request cannot be read', { cause: thrown })
        : thrown
    }
  }
}
