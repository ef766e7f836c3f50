import type { Config } from '../../config/settings.ts'
import { GatewayError } from '../http/http-error.ts'
import { isLoopback, listenAddress } from '../http/listen-address.ts'

type Protection = Pick<Config, 'gateway.auth' | 'gateway.tlsCert' | 'gateway.tlsKey' | 'gateway.behindProxy'>

/**
 * Refuses to open a door to others that is not protected: everybody must say who they are, and nobody may listen in.
 * @param listen `host:port`
 * @throws {GatewayError} GATEWAY_UNPROTECTED
 */
export function requireProtection(listen: string, config: Protection): void {
  const isOthers = !isLoopback(listenAddress(listen).host) || config['gateway.behindProxy']
  if (!isOthers) return
  if (!config['gateway.auth']) {
    throw new GatewayError('GATEWAY_UNPROTECTED', `anybody could use this node at ${listen}`, {
      fix: 'Leave gateway.auth on, or listen on 127.0.0.1 and for nobody else.',
    })
  }
  const hasTls = config['gateway.tlsCert'] !== null && config['gateway.tlsKey'] !== null
  if (hasTls || config['gateway.behindProxy']) return
  throw new GatewayError('GATEWAY_UNPROTECTED', `keys would cross the network in the clear at ${listen}`, {
    fix: 'Give a certificate (--gateway-tls-cert and --gateway-tls-key), or say --gateway-behind-proxy where a proxy in front ends TLS.',
  })
}
