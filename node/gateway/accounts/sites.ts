import { isIP } from 'node:net'
import { GatewayError } from '../http/http-error.ts'
import { isLoopback } from '../http/listen-address.ts'
import type { GatewayRequest } from '../http/plugin.ts'
import type { Site } from './wallet-sign-in.ts'

export interface SitesOptions {
  /** Host of the address listened on. */
  listenHost: string
  /** Whether connections come by TLS. */
  isTls: boolean
  isBehindProxy: boolean
  /** Names by which the door is reached. */
  hosts: readonly string[]
  /** Of pages of other sites that may use it. */
  origins: readonly string[]
}

/** Where a request comes from, as browsers say it. */
export type From = 'here' | 'allowed' | 'elsewhere'

/**
 * Tells requests that mean this node from those that a page elsewhere has sent here. A name that somebody else points
 * to our address (DNS rebinding) gives itself away by the Host header, a page of another site by Origin and Fetch
 * Metadata.
 */
export class Sites {
  readonly #options: SitesOptions
  readonly #hosts: ReadonlySet<string>

  constructor(options: SitesOptions) {
    this.#options = options
    this.#hosts = new Set(options.hosts.map(host => host.toLowerCase()))
  }

  /** Under which of its names the request means the door. @throws {GatewayError} HOST_REFUSED */
  site(request: Pick<GatewayRequest, 'host' | 'headers'>): Site {
    const host = request.host.toLowerCase()
    const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
    if (!this.#isOurs(name)) {
      throw new GatewayError('HOST_REFUSED', 'this node is not known by that name', {
        fix: 'Use its address, or name the host in gateway.hosts (--gateway-hosts).',
      })
    }
    return { host, origin: `${this.#scheme(request.headers)}://${host}` }
  }

  /** What the browser says of the page that sent the request; programs say nothing. */
  from(headers: GatewayRequest['headers'], site: Site): From {
    const { origin } = headers
    if (origin !== undefined) {
      if (origin === site.origin) return 'here'
      return this.#options.origins.includes(origin) ? 'allowed' : 'elsewhere'
    }
    const fetchSite = headers['sec-fetch-site']
    return fetchSite === undefined || fetchSite === 'same-origin' || fetchSite === 'none'
      ? 'here'
      : 'elsewhere'
  }

  /** A proxy in front ends TLS, unless it says that there was none. */
  #scheme(headers: GatewayRequest['headers']): 'http' | 'https' {
    const { isTls, isBehindProxy } = this.#options
    const told = String(headers['x-forwarded-proto'] ?? 'https')
      .split(',')
      .at(-1)!
      .trim()
    return isTls || (isBehindProxy && told !== 'http') ? 'https' : 'http'
  }

  #isOurs(name: string): boolean {
    if (this.#hosts.has(name)) return true
    const { listenHost, isBehindProxy } = this.#options
    const isLocal = name === 'localhost' || (isIP(name) > 0 && isLoopback(name))
    // Nobody can have an address point elsewhere as they can have a name.
    return isLocal || ((!isLoopback(listenHost) || isBehindProxy) && isIP(name) > 0)
  }
}
