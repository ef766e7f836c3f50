import assert from 'node:assert/strict'
import {
  errorBody,
  GatewayError,
  publicError,
  statusOf,
} from '../../../../../node/gateway/http/http-error.ts'
import { isLoopback, listenAddress } from '../../../../../node/gateway/http/listen-address.ts'
import { TaskError } from '../../../../../node/tasks/errors.ts'
import { ShoalError } from '../../../../../protocol/errors.ts'

describe('errors over HTTP', () => {
  it('have the statuses and codes that clients of OpenAI know', () => {
    const told = (error: ShoalError) => {
      const { error: body } = errorBody(error, 'openai') as { error: { type: string; code: string } }
      return [statusOf(error), body.type, body.code]
    }
    assert.deepEqual(told(new TaskError('MODEL_NOT_OFFERED', 'no')), [
      404,
      'invalid_request_error',
      'model_not_found',
    ])
    assert.deepEqual(told(new TaskError('PROMPT_TOO_LONG', 'no')), [
      400,
      'invalid_request_error',
      'context_length_exceeded',
    ])
    assert.deepEqual(told(new GatewayError('UNAUTHENTICATED', 'no')), [
      401,
      'authentication_error',
      'invalid_api_key',
    ])
    assert.deepEqual(told(new GatewayError('BUDGET_EXCEEDED', 'no')), [
      429,
      'rate_limit_error',
      'insufficient_quota',
    ])
    assert.deepEqual(told(new TaskError('NO_PROVIDER', 'no')), [503, 'server_error', 'no_provider'])
    assert.deepEqual(told(new ShoalError('SOMETHING_ELSE', 'no')), [
      422,
      'invalid_request_error',
      'something_else',
    ])
  })

  it('say nothing of a defect but that it is one', () => {
    const error = publicError(new Error('the password is 123'))
    for (const dialect of ['openai', 'anthropic', 'ollama', 'api'] as const)
      assert.doesNotMatch(JSON.stringify(errorBody(error, dialect)), /123/)
    assert.equal(statusOf(error), 500)
  })
})

describe('where to listen', () => {
  it('is a host and a port', () => {
    assert.deepEqual(listenAddress('127.0.0.1:4114'), { host: '127.0.0.1', port: 4114 })
    assert.deepEqual(listenAddress('[::1]:0'), { host: '::1', port: 0 })
    assert.deepEqual(listenAddress('example.com:80'), { host: 'example.com', port: 80 })
    for (const wrong of ['', '4114', '127.0.0.1', '::1:80', 'a:99999', 'a b:1', 'http://a:1', ':80'])
      assert.throws(() => listenAddress(wrong), { code: 'GATEWAY_CANNOT_LISTEN' }, wrong)
  })

  it('is this machine’s own only where nobody else can come', () => {
    for (const host of ['localhost', '127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])
      assert.ok(isLoopback(host), host)
    for (const host of [
      '0.0.0.0',
      '::',
      '10.0.0.1',
      '127.0.0.1.example.com',
      'example.com',
      '::ffff:10.0.0.1',
    ])
      assert.ok(!isLoopback(host), host)
  })
})
