import type { IncomingMessage } from 'node:http'
import { createInterface } from 'node:readline'
import { ShoalError } from '../../protocol/errors.ts'
import type { ControlLine, ControlMethod, ControlRequest } from './control-api.ts'
import { ControlError } from './control-error.ts'

/** For what a node answers at once. */
const ANSWER_TIMEOUT_MS = 5_000

/** Sends commands to a running node of the same user. */
export class ControlClient {
  readonly #endpoint: string

  /** @param endpoint from `controlEndpoint` */
  constructor(endpoint: string) {
    this.#endpoint = endpoint
  }

  /**
   * Whether a node answers there.
   * @throws {ControlError} CONTROL_FORBIDDEN; CONTROL_BROKEN when there is one that does not answer
   */
  async isRunning(): Promise<boolean> {
    const timeout = AbortSignal.timeout(ANSWER_TIMEOUT_MS)
    try {
      await this.call('status', {}, timeout)
      return true
    } catch (error) {
      if (error instanceof ControlError && error.code === 'NODE_NOT_RUNNING') return false
      throw timeout.aborted ? silent(error) : error
    }
  }

  /**
   * Runs a command.
   * @throws {ShoalError} NODE_NOT_RUNNING, CONTROL_FORBIDDEN, or what the node answers
   */
  call<M extends ControlMethod>(
    method: M,
    parameters: ControlRequest<M>,
    signal?: AbortSignal,
  ): Promise<unknown> {
    return this.stream(method, parameters, () => {}, signal)
  }

  /**
   * Runs a streaming command to its end.
   * @throws {ShoalError} as `call`; CONTROL_BROKEN when the node goes away in between
   */
  async stream<M extends ControlMethod>(
    method: M,
    parameters: ControlRequest<M>,
    onEvent: (event: unknown) => void,
    signal?: AbortSignal,
  ): Promise<unknown> {
    const response = await this.#post(method, JSON.stringify(parameters), signal)
    try {
      for await (const text of createInterface({ input: response, crlfDelay: Number.POSITIVE_INFINITY })) {
        const line = JSON.parse(text) as ControlLine
        if ('event' in line) onEvent(line.event)
        else if ('result' in line) return line.result
        else throw new ShoalError(line.error.code, line.error.message, line.error)
      }
    } catch (error) {
      if (error instanceof ShoalError) throw error
      throw broken(error)
    } finally {
      response.destroy()
    }
    throw broken(undefined)
  }

  async #post(
    method: ControlMethod,
    body: string,
    signal: AbortSignal | undefined,
  ): Promise<IncomingMessage> {
    // Takes longer to load than a command that sends nothing takes to run.
    const { request } = await import('node:http')
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          socketPath: this.#endpoint,
          path: `/v1/${method}`,
          method: 'POST',
          headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
          ...(signal === undefined ? {} : { signal }),
        },
        resolve,
      )
      sent.once('error', (error: NodeJS.ErrnoException) =>
        reject(isNobody(error) ? notRunning(error) : isForbidden(error) ? forbidden(error) : broken(error)),
      )
      sent.end(body)
    })
  }
}

function isNobody(error: NodeJS.ErrnoException): boolean {
  return error.code === 'ENOENT' || error.code === 'ENOTDIR' || error.code === 'ECONNREFUSED'
}

function isForbidden(error: NodeJS.ErrnoException): boolean {
  return error.code === 'EACCES' || error.code === 'EPERM'
}

function forbidden(cause: unknown): ControlError {
  return new ControlError('CONTROL_FORBIDDEN', 'the node belongs to another user', {
    fix: 'Use the user that runs it.',
    cause,
  })
}

function silent(cause: unknown): ControlError {
  return new ControlError('CONTROL_BROKEN', 'there is a node, but it does not answer', {
    fix: 'It is stopped or overloaded: look at its process, or end it and start it again with shoal up.',
    cause,
  })
}

function notRunning(cause: unknown): ControlError {
  return new ControlError('NODE_NOT_RUNNING', 'no node is running here', {
    fix: 'Start one with shoal up, or name the data folder of a running one with --data.',
    cause,
  })
}

function broken(cause: unknown): ControlError {
  return new ControlError('CONTROL_BROKEN', 'the node went away before it had answered', {
    fix: 'Look at its log, or start it again with shoal up.',
    cause,
  })
}
