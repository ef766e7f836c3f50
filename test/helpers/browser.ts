import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { request as httpsRequest } from 'node:https'

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  text: string
  /** The body, read as JSON. */
  json: () => unknown
}

export interface SendOptions {
  method?: string
  headers?: Readonly<Record<string, string>>
  /** Sent as JSON, unless it is text. */
  body?: unknown
  /** PEM of the certificate to be trusted. */
  ca?: string
}

/** One request, with whatever headers are wanted: `fetch` keeps some of them to itself. */
export async function send(url: string, options: SendOptions = {}): Promise<Answer> {
  const { method = 'GET', body, ca } = options
  const text = body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body)
  const headers: Record<string, string> = {
    ...(text === null
      ? {}
      : { 'content-type': 'application/json', 'content-length': `${Buffer.byteLength(text)}` }),
    ...options.headers,
  }
  const make = url.startsWith('https://') ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    const request = make(
      url,
      { method, headers, agent: false, ...(ca === undefined ? {} : { ca }) },
      response => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.once('error', reject)
        response.once('end', () => {
          const answer = Buffer.concat(chunks).toString()
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: answer,
            json: () => JSON.parse(answer) as unknown,
          })
        })
      },
    )
    request.once('error', reject)
    request.end(text ?? undefined)
  })
}

/** Keeps cookies and says where it comes from, as browsers do; goes where it is sent. */
export class Browser {
  readonly #cookies = new Map<string, { name: string; value: string; host: string; path: string }>()

  /** A request of a page of the same site, unless `origin` names another one. */
  async send(url: string, options: SendOptions & { origin?: string } = {}): Promise<Answer> {
    const { origin = new URL(url).origin, method = 'GET' } = options
    const isSame = origin === new URL(url).origin
    const answer = await send(url, {
      ...options,
      headers: {
        ...(method === 'GET' && isSame ? {} : { origin }),
        'sec-fetch-site': isSame ? 'same-origin' : 'cross-site',
        cookie: this.cookiesFor(url),
        ...options.headers,
      },
    })
    this.#keep(url, answer)
    return answer
  }

  /** Follows a link, and where it leads to; `stopAt` ends it before that is asked for. */
  async open(
    url: string,
    options: { stopAt?: (url: string) => boolean } = {},
  ): Promise<{ url: string; answer: Answer | null }> {
    let at = url
    for (let hops = 0; hops < 12; hops++) {
      if (options.stopAt?.(at) === true) return { url: at, answer: null }
      const answer = await send(at, {
        headers: { cookie: this.cookiesFor(at), 'sec-fetch-site': 'cross-site' },
      })
      this.#keep(at, answer)
      const { location } = answer.headers
      if (location === undefined) return { url: at, answer }
      at = new URL(location, at).href
    }
    throw new Error(`sent around in circles from ${url}`)
  }

  cookiesFor(url: string): string {
    const { hostname, pathname } = new URL(url)
    return [...this.#cookies.values()]
      .filter(
        ({ host, path }) => host === hostname && (path === '/' || `${pathname}/`.startsWith(`${path}/`)),
      )
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ')
  }

  #keep(url: string, { headers }: Answer): void {
    const host = new URL(url).hostname
    for (const line of headers['set-cookie'] ?? []) {
      const [pair = '', ...attributes] = line.split(/; */)
      const [name = '', ...value] = pair.split('=')
      const path = attributes.find(attribute => /^path=/i.test(attribute))?.slice(5) ?? '/'
      const key = `${host} ${path} ${name}`
      const isGone = attributes.some(attribute => /^(max-age=0|expires=Thu, 01 Jan 1970)/i.test(attribute))
      if (isGone) this.#cookies.delete(key)
      else this.#cookies.set(key, { name, value: value.join('='), host, path })
    }
  }
}
