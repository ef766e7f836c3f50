import { type IncomingMessage, request } from 'node:http'
import { createInterface } from 'node:readline'
import { ShoalError } from '../../protocol/errors.ts'
import { ControlError, type ControlLine, type ControlMethod, type ControlRequest } from './control-api.ts'

/** Sends commands to a running node of the same user. */
export class ControlClient {
  readonly #endpoint: string

  /** @param endpoint from `controlEndpoint` */
  constructor(endpoint: string) {
    this.#endpoint = endpoint
  }

  /** Whether a node answers there. */
  async isRunning(): Promise<boolean> {
    try {
      await this.call('status', {})
      return true
    } catch (error) {
      if (error instanceof ControlError && error.code === 'NODE_NOT_RUNNING') return false
      throw error
    }
  }

  /**
   * Runs a command.
   * @throws {ShoalError} NODE_NOT_RUNNING, or what the node answers
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

  #post(method: ControlMethod, body: string, signal: AbortSignal | undefined): Promise<IncomingMessage> {
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
        reject(isNobody(error) ? notRunning(error) : broken(error)),
      )
      sent.end(body)
    })
  }
}

function isNobody(error: NodeJS.ErrnoException): boolean {
  return error.code === 'ENOENT' || error.code === 'ECONNREFUSED'
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
