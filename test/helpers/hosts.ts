import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import { systemClock } from '../../node/clock.ts'
import type { Violation } from '../../node/p2p/errors.ts'
import { P2PHost } from '../../node/p2p/host.ts'
import type { P2PHostOptions } from '../../node/p2p/host-config.ts'
import type { NodeKey } from '../../protocol/ids.ts'

export const silentLog = pino({ level: process.env.TEST_LOG ?? 'silent' })

export interface TestHost {
  host: P2PHost
  violations: [peer: NodeKey, violation: Violation][]
  unwelcome: Set<NodeKey>
  /** What gossip is told of peers; 0 for others. */
  gossipScores: Map<NodeKey, number>
}

/** Real libp2p hosts on loopback, stopped together. */
export class TestHosts {
  readonly #hosts: P2PHost[] = []

  async start(options: Partial<P2PHostOptions> = {}): Promise<TestHost> {
    const violations: TestHost['violations'] = []
    const unwelcome = new Set<NodeKey>()
    const gossipScores = new Map<NodeKey, number>()
    const host = new P2PHost(
      {
        seed: randomBytes(32),
        network: 'test',
        scope: 'local',
        listen: ['/ip4/127.0.0.1/tcp/0'],
        announce: [],
        mdns: false,
        relay: false,
        dataDir: null,
        ...options,
      },
      {
        clock: systemClock,
        log: silentLog,
        onViolation: (peer, violation) => violations.push([peer, violation]),
        isWelcome: peer => !unwelcome.has(peer),
        gossipScore: peer => gossipScores.get(peer) ?? 0,
      },
    )
    this.#hosts.push(host)
    await host.start()
    return { host, violations, unwelcome, gossipScores }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#hosts.splice(0).map(host => host.stop()))
  }
}

/** Resolves once a host has seen a peer's protocols. */
export function peerSeen(host: P2PHost, peer: NodeKey): Promise<void> {
  return new Promise(resolve => {
    const listener = (seen: NodeKey) => {
      if (seen !== peer) return
      host.off('peer', listener)
      resolve()
    }
    host.on('peer', listener)
  })
}

/** Connects `a` to `b` and waits until both know each other's protocols. */
export async function connect(a: P2PHost, b: P2PHost): Promise<void> {
  const seen = Promise.all([peerSeen(a, b.nodeKey), peerSeen(b, a.nodeKey)])
  await a.dialAddress(b.addresses()[0]!)
  await seen
}
