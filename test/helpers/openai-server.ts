import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Asked {
  url: string
  headers: IncomingHttpHeaders
  /** As it came. */
  text: string
  body: Record<string, unknown>
  /** Resolves when the client has gone away or been answered. */
  closed: Promise<void>
}

type Answer = (response: ServerResponse, asked: Asked) => void

/** A server that speaks the OpenAI-compatible API: gives the scripted answers in turn, then proper ones. */
export class OpenAiServer {
  readonly asked: Asked[] = []
  /** What it says, a part for each word. */
  answer = 'four fish swim'
  readonly #answers: Answer[] = []
  readonly #server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const text = Buffer.concat(parts).toString('utf8')
      const asked: Asked = {
        url: request.url ?? '',
        headers: request.headers,
        text,
        body: JSON.parse(text) as Record<string, unknown>,
        closed: once(response, 'close').then(() => {}),
      }
      this.asked.push(asked)
      const answer = this.#answers.shift() ?? streamed(this.answer.split(/(?= )/))
      answer(response, asked)
    })
  })

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`
  }

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  next(...answers: Answer[]): void {
    this.#answers.push(...answers)
  }
}

/** One part of a streamed chat or completion. */
export function part(asked: Asked, text: string, finish: string | null = null): string {
  const choice = asked.url.endsWith('/chat/completions') ? { delta: { content: text } } : { text }
  return JSON.stringify({
    object: 'chunk',
    vendor: 'of no interest',
    choices: [{ index: 0, ...choice, finish_reason: finish }],
  })
}

/** As the API does: parts, the end, the usage where it was asked for, `[DONE]`. */
export function streamed(
  pieces: readonly string[],
  options: { finish?: string; usage?: unknown } = {},
): Answer {
  return (response, asked) => {
    const { finish = 'stop', usage = { prompt_tokens: 12, completion_tokens: pieces.length } } = options
    const events = [
      ...pieces.map(piece => part(asked, piece)),
      part(asked, '', finish),
      ...(usage === null ? [] : [JSON.stringify({ choices: [], usage })]),
      '[DONE]',
    ]
    says(events.map(event => `data: ${event}\n\n`).join(''))(response, asked)
  }
}

/** A stream of events with these very bytes, ended. */
export function says(bytes: string | Uint8Array): Answer {
  return response => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(bytes)
  }
}

/** Says this and then nothing more, with the connection kept open. */
export function saysAndStalls(make: (asked: Asked) => string): Answer {
  return (response, asked) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(make(asked))
  }
}

export function refuses(status: number, body: unknown, headers: Record<string, string> = {}): Answer {
  return response => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text)
  }
}

/** Takes the request and never answers. */
export const silent: Answer = () => {}

/** Breaks the connection. */
export const breaks: Answer = response => {
  response.destroy()
}
