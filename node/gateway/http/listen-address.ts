import { isIP } from 'node:net'
import { GatewayError } from './http-error.ts'

/** Where `shoal serve` opens the door unless told otherwise. */
export const DEFAULT_LISTEN = '127.0.0.1:4114'

/**
 * Takes `host:port` apart; an IPv6 address stands in brackets.
 * @throws {GatewayError} GATEWAY_CANNOT_LISTEN when it is none
 */
export function listenAddress(listen: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.%]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(listen)
  const port = Number(match?.[3])
  if (match === null || port > 65_535) {
    throw new GatewayError(
      'GATEWAY_CANNOT_LISTEN',
      `${JSON.stringify(listen.slice(0, 80))} is no host:port`,
      {
        fix: 'Write it as 127.0.0.1:4114 or [::1]:4114.',
      },
    )
  }
  return { host: (match[1] ?? match[2])!, port }
}

/** Whether nobody else than this machine can connect to it. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true
  const kind = isIP(host)
  return kind === 4
    ? host.startsWith('127.')
    : kind === 6 && (host === '::1' || host.startsWith('::ffff:127.'))
}
