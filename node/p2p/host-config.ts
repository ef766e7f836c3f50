import { noise } from '@chainsafe/libp2p-noise'
import { autoNAT } from '@libp2p/autonat'
import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { dcutr } from '@libp2p/dcutr'
import { type GossipSub, gossipsub } from '@libp2p/gossipsub'
import { type Identify, identify, identifyPush } from '@libp2p/identify'
import type { PeerId } from '@libp2p/interface'
import { type KadDHT, kadDHT, passthroughMapper, removePrivateAddressesMapper } from '@libp2p/kad-dht'
import { mdns } from '@libp2p/mdns'
import { peerIdFromString } from '@libp2p/peer-id'
import { type Ping, ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes } from '@noble/hashes/utils.js'
import type { Libp2pOptions } from 'libp2p'
import { createNodeSigner } from '../../protocol/identity.ts'
import { P2PError } from './errors.ts'

/**
 * `local`: machines that see each other by private addresses; those are advertised, and many peers on one
 * IP are normal. `public`: only addresses that others have confirmed are advertised.
 */
export type NetworkScope = 'local' | 'public'

export interface P2PHostOptions {
  /** 32-byte Ed25519 seed of the node key. */
  seed: Uint8Array
  /** Separates networks that must not mix; part of the DHT's and mDNS's names. */
  network: string
  scope: NetworkScope
  /** Multiaddrs to listen on. */
  listen: readonly string[]
  /** Multiaddrs to advertise in place of what is found out. */
  announce: readonly string[]
  mdns: boolean
  /** Whether to carry traffic of peers that nobody can dial. */
  relay: boolean
  /** Folder of the peer store; null keeps it in memory. */
  dataDir: string | null
}

export interface Services extends Record<string, unknown> {
  identify: Identify
  ping: Ping
  dht: KadDHT
  pubsub: GossipSub
}

const MAX_CONNECTIONS = 300
export const DIAL_TIMEOUT_MS = 10_000
const MAX_GOSSIP_BYTES = 65_536
const MAX_PINGS = 16
const PING_TIMEOUT_MS = 20_000
/** What a relay carries of one connection; the defaults, 128 KiB and 2 minutes, would cut tasks off in the middle. */
const RELAYED_CONNECTION = { defaultDataLimit: 67_108_864n, defaultDurationLimit: 3_600_000 }

/**
 * The libp2p stack of a node, with the settings its defaults get wrong for us; each says why.
 * @param peers.isWelcome asked before every connection, in or out
 * @param peers.gossipScore gossipsub's application-specific score
 * @throws {P2PError} BAD_ADDRESS
 */
export function libp2pConfig(
  options: P2PHostOptions,
  peers: { isWelcome: (peer: PeerId) => boolean; gossipScore: (peer: PeerId) => number },
): Libp2pOptions<Services> {
  const { seed, network, scope, listen, announce, relay } = options
  for (const address of [...listen, ...announce]) {
    if (parseMultiaddr(address) === null) {
      throw new P2PError('BAD_ADDRESS', `not a multiaddr: ${address}`, {
        fix: 'Write addresses as /ip4/0.0.0.0/tcp/4150.',
        details: { address },
      })
    }
  }
  const local = scope === 'local'
  const { isWelcome, gossipScore } = peers
  return {
    start: false,
    privateKey: nodePrivateKey(seed),
    addresses: { listen: [...listen], announce: [...announce] },
    transports: [tcp(), webSockets(), circuitRelayTransport()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    peerDiscovery: options.mdns
      ? [mdns({ serviceTag: `_shoal-${network}._udp.local`, interval: 10_000 })]
      : [],
    connectionManager: {
      maxConnections: MAX_CONNECTIONS,
      dialTimeout: DIAL_TIMEOUT_MS,
      // The defaults reset parallel dials of several peers behind one IP.
      ...(local ? { inboundConnectionThreshold: MAX_CONNECTIONS, maxIncomingPendingConnections: 100 } : {}),
    },
    // A peer whose cores are busy answers late; five seconds, the default, would cut running tasks.
    connectionMonitor: { pingTimeout: { minTimeout: PING_TIMEOUT_MS } },
    connectionGater: {
      denyDialMultiaddr: () => false,
      denyInboundEncryptedConnection: peer => !isWelcome(peer),
      denyDialPeer: peer => !isWelcome(peer),
    },
    services: {
      identify: identify(),
      identifyPush: identifyPush(),
      // The monitor cuts a connection whose ping fails, and by default a second ping at once, such as the DHT's, is a failure.
      ping: ping({ maxInboundStreams: MAX_PINGS, maxOutboundStreams: MAX_PINGS }),
      dht: kadDHT({
        protocol: `/shoal/${network}/kad/1`,
        // Without both, queries over private addresses hang.
        clientMode: false,
        peerInfoMapper: local ? passthroughMapper : removePrivateAddressesMapper,
        initialQuerySelfInterval: 500,
      }),
      pubsub: gossipsub({
        globalSignaturePolicy: 'StrictNoSign',
        allowPublishToZeroTopicPeers: true,
        emitSelf: false,
        maxInboundDataLength: MAX_GOSSIP_BYTES,
        msgIdFn: message => sha256(message.data),
        // Ten peers behind one IP are an attack on the public network and a demo at home.
        scoreParams: {
          appSpecificScore: peer => gossipScore(peerIdFromString(peer)),
          appSpecificWeight: 1,
          ...(local ? { IPColocationFactorWeight: 0 } : {}),
        },
      }),
      ...(local ? {} : { autonat: autoNAT(), dcutr: dcutr() }),
      ...(relay ? { relay: circuitRelayServer({ reservations: RELAYED_CONNECTION }) } : {}),
    },
  }
}

/** libp2p's form of a node key: the seed, then the public key. */
export function nodePrivateKey(seed: Uint8Array) {
  return privateKeyFromRaw(concatBytes(seed, createNodeSigner(seed).publicKey))
}

/** Null when `text` is no multiaddr. */
export function parseMultiaddr(text: string): Multiaddr | null {
  try {
    return multiaddr(text)
  } catch {
    return null
  }
}
