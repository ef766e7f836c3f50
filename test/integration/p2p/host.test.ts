import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { noise } from '@chainsafe/libp2p-noise'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { lpStream } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { z } from 'zod'
import { P2PError } from '../../../node/p2p/errors.ts'
import type { FrameStream } from '../../../node/p2p/frame-stream.ts'
import type { RequestProtocol, StreamProtocol } from '../../../node/p2p/protocol.ts'
import { encodeMessage, type MessageDefinition, wire } from '../../../protocol/codec.ts'
import { connect, TestHosts } from '../../helpers/hosts.ts'
import { waitUntil } from '../../helpers/wait.ts'

interface Word {
  text: string
}
const word: MessageDefinition<Word> = {
  type: 'word',
  maxBytes: 256,
  schema: z.strictObject({ text: wire.text(200) }),
}
const shout: RequestProtocol<Word, Word> = {
  kind: 'request',
  id: '/shoal/test-shout/1',
  request: word,
  response: word,
  timeoutMs: 1_000,
  quota: { burst: 20, perSecond: 10 },
  maxInboundStreams: 16,
}
const chat: StreamProtocol<Word, Word> = {
  kind: 'stream',
  id: '/shoal/test-chat/1',
  up: word,
  down: word,
  openTimeoutMs: 300,
  quota: { burst: 20, perSecond: 10 },
  maxInboundStreams: 16,
  release: word => word,
}
const code = (expected: string) => (error: unknown) => error instanceof P2PError && error.code === expected

describe('p2p host', () => {
  const hosts = new TestHosts()
  afterEach(() => hosts.stop())

  it('asks and answers', async () => {
    const [a, b] = [await hosts.start(), await hosts.start()]
    await b.host.serve(shout, (_peer, { text }) => Promise.resolve({ text: text.toUpperCase() }))
    await connect(a.host, b.host)
    assert.deepEqual(await a.host.request(b.host.nodeKey, shout, { text: 'hello' }), { text: 'HELLO' })
    const many = await Promise.all(
      Array.from({ length: 10 }, (_, i) => a.host.request(b.host.nodeKey, shout, { text: `n${i}` })),
    )
    assert.deepEqual(
      many.map(({ text }) => text),
      Array.from({ length: 10 }, (_, i) => `N${i}`),
    )
    assert.deepEqual([a.violations, b.violations], [[], []])
  })

  it('keeps its identity over restarts and names nodes by their key', async () => {
    const seed = randomBytes(32)
    const first = await hosts.start({ seed })
    await first.host.stop()
    const second = await hosts.start({ seed })
    assert.equal(second.host.nodeKey, first.host.nodeKey)
    assert.match(second.host.addresses()[0]!, /^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/12D3KooW/)
  })

  it('carries a conversation both ways, with a slow reader slowing the writer', async () => {
    const [a, b] = [await hosts.start(), await hosts.start()]
    const count = 20_000
    await b.host.serveStream(chat, async (frames, first) => {
      for (let i = 0; i < count; i++) await frames.send({ text: `${first.text} ${i} ${'x'.repeat(150)}` })
      await frames.close()
    })
    await connect(a.host, b.host)
    const stream = await a.host.openStream(b.host.nodeKey, chat)
    await stream.send({ text: 'go' })
    let received = 0
    for (let frame = await stream.receive(); frame !== null; frame = await stream.receive()) {
      assert.ok(frame.text.startsWith(`go ${received} `))
      received++
      if (received % 5_000 === 0) await new Promise(resolve => setImmediate(resolve))
    }
    assert.equal(received, count)
  })

  it('says why a peer cannot be asked', async () => {
    const [a, b] = [await hosts.start(), await hosts.start()]
    await connect(a.host, b.host)
    await assert.rejects(a.host.request(b.host.nodeKey, shout, { text: 'x' }), code('PROTOCOL_UNSUPPORTED'))
    await assert.rejects(a.host.dialAddress('/ip4/127.0.0.1/tcp/1'), code('PEER_UNREACHABLE'))
    await assert.rejects(a.host.dialAddress('127.0.0.1:1'), code('BAD_ADDRESS'))
    await b.host.serve(
      shout,
      (_peer, _request, signal) => new Promise((_, reject) => signal.addEventListener('abort', reject)),
    )
    await assert.rejects(
      a.host.request(b.host.nodeKey, shout, { text: 'x' }, AbortSignal.timeout(100)),
      code('TIMED_OUT'),
    )
    await b.host.stop()
    await assert.rejects(a.host.request(b.host.nodeKey, shout, { text: 'x' }), code('PEER_UNREACHABLE'))
  })

  it('names a port that is taken', async () => {
    const a = await hosts.start()
    const port = /tcp\/(\d+)/.exec(a.host.addresses()[0]!)![1]
    await assert.rejects(hosts.start({ listen: [`/ip4/127.0.0.1/tcp/${port}`] }), (error: unknown) => {
      assert.ok(code('PORT_IN_USE')(error))
      assert.match((error as P2PError).fix ?? '', /--listen/)
      return true
    })
    await assert.rejects(hosts.start({ listen: ['localhost:4150'] }), code('BAD_ADDRESS'))
  })

  it('limits how often one peer may ask', async () => {
    const [a, b] = [await hosts.start(), await hosts.start()]
    await b.host.serve({ ...shout, quota: { burst: 3, perSecond: 0.001 } }, (_peer, request) =>
      Promise.resolve(request),
    )
    await connect(a.host, b.host)
    for (let i = 0; i < 3; i++) await a.host.request(b.host.nodeKey, shout, { text: 'x' })
    await assert.rejects(a.host.request(b.host.nodeKey, shout, { text: 'x' }), P2PError)
    assert.deepEqual(b.violations, [[a.host.nodeKey, 'over_quota']])
  })

  it('does not talk to the unwelcome', async () => {
    const [a, b] = [await hosts.start(), await hosts.start()]
    b.unwelcome.add(a.host.nodeKey)
    const dialled = await a.host.dialAddress(b.host.addresses()[0]!).catch(() => null)
    await waitUntil(
      'the connection is refused',
      () => b.host.peers().length === 0 && (dialled === null || !a.host.isConnected(dialled)),
    )
    await assert.rejects(b.host.dialAddress(a.host.addresses()[0]!), code('PEER_UNREACHABLE'))
  })

  describe('with a peer that does not keep to the protocol', () => {
    /** A bare libp2p node of ours, free to send anything. */
    async function rogue() {
      const node = await createLibp2p({
        addresses: { listen: [] },
        transports: [tcp()],
        connectionEncrypters: [noise()],
        streamMuxers: [yamux()],
        services: { identify: identify() },
      })
      return node
    }

    const misdeeds: [
      string,
      (frames: ReturnType<typeof lpStream>, raw: { send(bytes: Uint8Array): unknown }) => Promise<void>,
      string,
    ][] = [
      ['garbage', frames => frames.write(randomBytes(100)), 'bad_frame'],
      [
        'a frame of another schema',
        frames =>
          frames.write(
            encodeMessage(
              { ...word, schema: z.strictObject({ no: z.string() }) } as never,
              { no: 'x' } as never,
            ),
          ),
        'bad_frame',
      ],
      ['a frame longer than allowed', frames => frames.write(new Uint8Array(257)), 'oversize_frame'],
      [
        'a length beyond any frame',
        (_frames, raw) => Promise.resolve(void raw.send(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0x0f))),
        'oversize_frame',
      ],
      ['nothing at all', () => Promise.resolve(), 'silent'],
    ]
    for (const [name, misbehave, expected] of misdeeds) {
      it(`drops and reports ${name}`, async () => {
        const b = await hosts.start()
        let served = 0
        await b.host.serveStream(chat, async (frames: FrameStream<Word, Word>) => {
          served++
          await frames.close()
        })
        const node = await rogue()
        try {
          const stream = await node.dialProtocol(multiaddr(b.host.addresses()[0]!), chat.id)
          await misbehave(lpStream(stream), stream)
          await waitUntil('the violation is reported', () => b.violations.length > 0)
          assert.deepEqual(
            b.violations.map(([, violation]) => violation),
            [expected],
          )
          assert.equal(served, 0)
          // The node still serves others.
          const a = await hosts.start()
          await connect(a.host, b.host)
          const good = await a.host.openStream(b.host.nodeKey, chat)
          await good.send({ text: 'hello' })
          assert.equal(await good.receive(), null)
          assert.equal(served, 1)
        } finally {
          await node.stop()
        }
      })
    }
  })
})
