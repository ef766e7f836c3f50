import { createServer } from 'node:net'
import { multiaddr } from '@multiformats/multiaddr'
import { P2PError } from './errors.ts'

/**
 * Tries each TCP port that is to be listened on, since libp2p goes on when only some of them are free.
 * @throws {P2PError} PORT_IN_USE
 */
export async function assertPortsFree(listen: readonly string[]): Promise<void> {
  for (const address of listen) {
    const components = multiaddr(address).getComponents()
    // That is the relay's port, which is taken, as it should be.
    if (components.some(({ name }) => name === 'p2p-circuit')) continue
    const host = components.find(({ name }) => name === 'ip4' || name === 'ip6')?.value
    const port = Number(components.find(({ name }) => name === 'tcp')?.value ?? 0)
    if (host === undefined || port === 0) continue
    if (!(await canListen(host, port))) {
      throw new P2PError('PORT_IN_USE', `port ${port} is taken by another program`, {
        fix: 'Stop the other program, or listen elsewhere with --listen /ip4/0.0.0.0/tcp/<port> (0 picks a free one).',
        details: { address, port },
      })
    }
  }
}

function canListen(host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false)
      else reject(error)
    })
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)))
  })
}
