import { randomBytes } from 'node:crypto'
import { noise } from '@chainsafe/libp2p-noise'
import { type GossipSub, gossipsub } from '@libp2p/gossipsub'
import { type Identify, identify } from '@libp2p/identify'
import type { Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { LengthPrefixedDecoder } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { createLibp2p, type Libp2p } from 'libp2p'
import { encode as encodeVarint } from 'uint8-varint'
import { Uint8ArrayList } from 'uint8arraylist'
import { nodePrivateKey } from '../../node/p2p/host-config.ts'
import { createNodeSigner, type NodeSigner } from '../../protocol/identity.ts'
import type { NodeKey } from '../../protocol/ids.ts'
import { waitUntil } from './wait.ts'

/** What the other side says is never too long for a rogue. */
const MAX_READ_BYTES = 4_194_304

/** A stream on which anything can be said: whole frames, or bytes as they are. */
export class RogueStream {
  readonly raw: Stream
  readonly #frames: Uint8Array[] = []
  #ended = false
  #wake: () => void = () => {}

  constructor(raw: Stream) {
    this.raw = raw
    const decoder = new LengthPrefixedDecoder({ maxDataLength: MAX_READ_BYTES })
    raw.addEventListener('message', ({ data }) => {
      for (const frame of decoder.decode(data)) this.#frames.push(frame.subarray())
      this.#wake()
    })
    for (const end of ['remoteCloseWrite', 'close'] as const)
      raw.addEventListener(end, () => {
        this.#ended = true
        this.#wake()
      })
  }

  write(frame: Uint8Array): void {
    this.send(new Uint8ArrayList(encodeVarint(frame.length), frame))
  }

  send(bytes: Uint8Array | Uint8ArrayList): void {
    this.raw.send(bytes)
  }

  /** The next frame; null when the other side has ended the stream. */
  async read(): Promise<Uint8Array | null> {
    while (this.#frames.length === 0 && !this.#ended)
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    return this.#frames.shift() ?? null
  }
}

/** A bare libp2p node with the key of a Shoal node and none of its manners. */
export class Rogue {
  readonly key: NodeKey
  readonly signer: NodeSigner
  readonly #node: Libp2p<{ identify: Identify; pubsub: GossipSub }>

  private constructor(node: Libp2p<{ identify: Identify; pubsub: GossipSub }>, signer: NodeSigner) {
    this.#node = node
    this.signer = signer
    this.key = bytesToHex(signer.publicKey)
  }

  static async start(seed: Uint8Array = randomBytes(32)): Promise<Rogue> {
    const node = await createLibp2p({
      privateKey: nodePrivateKey(seed),
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      services: {
        identify: identify(),
        pubsub: gossipsub({
          globalSignaturePolicy: 'StrictNoSign',
          allowPublishToZeroTopicPeers: true,
          msgIdFn: message => sha256(message.data),
        }),
      },
    })
    return new Rogue(node, createNodeSigner(seed))
  }

  get address(): string {
    return this.#node.getMultiaddrs()[0]!.toString()
  }

  /** Connects, and tells which protocols the other side speaks. */
  async meet(address: string): Promise<string[]> {
    const { remotePeer } = await this.#node.dial(multiaddr(address))
    let protocols: string[] = []
    await waitUntil('the protocols are told', async () => {
      protocols = (await this.#node.peerStore.get(remotePeer)).protocols
      return protocols.some(id => id.startsWith('/shoal/'))
    })
    return protocols
  }

  get isConnected(): boolean {
    return this.#node.getConnections().length > 0
  }

  async open(address: string, protocol: string): Promise<RogueStream> {
    return new RogueStream(await this.#node.dialProtocol(multiaddr(address), protocol))
  }

  /** Answers a protocol in its own way. */
  async serve(protocol: string, converse: (stream: RogueStream) => Promise<void>): Promise<void> {
    await this.#node.handle(protocol, stream => {
      void converse(new RogueStream(stream)).catch(() => {})
    })
  }

  /** Gossips again and again until it was heard: subscriptions travel after the connection. */
  async gossip(topic: string, make: () => Uint8Array, wasHeard: () => boolean): Promise<void> {
    const { pubsub } = this.#node.services
    pubsub.subscribe(topic)
    await waitUntil('the gossip is heard', async () => {
      await pubsub.publish(topic, make()).catch(() => {})
      return wasHeard()
    })
  }

  stop(): Promise<void> {
    return Promise.resolve(this.#node.stop())
  }
}
