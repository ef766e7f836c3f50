import assert from 'node:assert/strict'
import type { GossipVerdict, P2PHost } from '../../../node/p2p/host.ts'
import type { GossipTopic } from '../../../node/p2p/protocol.ts'
import { connect, TestHosts } from '../../helpers/hosts.ts'
import { waitUntil } from '../../helpers/wait.ts'

const topic: GossipTopic = { topic: 'shoal/test-news/1', maxBytes: 1_000 }

describe('gossip', () => {
  const hosts = new TestHosts()
  afterEach(() => hosts.stop())

  function listen(host: P2PHost, verdict: GossipVerdict = 'accept'): string[] {
    const heard: string[] = []
    host.subscribe(topic, data => {
      heard.push(Buffer.from(data).toString())
      return verdict
    })
    return heard
  }

  it('reaches peers of peers, each once', async () => {
    const [a, b, c] = [await hosts.start(), await hosts.start(), await hosts.start()]
    listen(a.host)
    const heard = [listen(b.host), listen(c.host)]
    await connect(a.host, b.host)
    await connect(b.host, c.host)
    // Subscriptions travel after the connection; an unheard first word would prove nothing.
    let round = 0
    await waitUntil('a word has crossed the network', async () => {
      await a.host.publish(topic, Buffer.from(`round ${round++}`))
      return heard.every(words => words.length > 0)
    })
    await a.host.publish(topic, Buffer.from('last'))
    await waitUntil('the last word has come', () => heard.every(words => words.includes('last')))
    for (const words of heard) assert.equal(new Set(words).size, words.length)
  })

  it('does not pass on what a validator rejects, and reports who sent it', async () => {
    const [a, b, c] = [await hosts.start(), await hosts.start(), await hosts.start()]
    listen(a.host)
    const atB = listen(b.host, 'reject')
    const atC = listen(c.host)
    await connect(a.host, b.host)
    await connect(b.host, c.host)
    let round = 0
    await waitUntil('b has heard it', async () => {
      await a.host.publish(topic, Buffer.from(`lie ${round++}`))
      return atB.length > 0
    })
    assert.deepEqual(b.violations[0], [a.host.nodeKey, 'bad_record'])
    assert.deepEqual(atC, [])
  })

  it('listens to whom we trust little, and not to whom we trust not at all', async () => {
    const [a, wary, deaf] = [await hosts.start(), await hosts.start(), await hosts.start()]
    listen(a.host)
    const [atWary, atDeaf] = [listen(wary.host), listen(deaf.host)]
    wary.gossipScores.set(a.host.nodeKey, -5)
    deaf.gossipScores.set(a.host.nodeKey, -100)
    await connect(a.host, wary.host)
    await connect(a.host, deaf.host)
    let round = 0
    await waitUntil('who trusts little has heard it', async () => {
      await a.host.publish(topic, Buffer.from(`word ${round++}`))
      return atWary.length > 3
    })
    assert.deepEqual(atDeaf, [])
    deaf.gossipScores.set(a.host.nodeKey, 0)
    await waitUntil('who trusts again hears again', async () => {
      await a.host.publish(topic, Buffer.from(`word ${round++}`))
      return atDeaf.length > 0
    })
  })

  it('refuses to publish what would be dropped silently', async () => {
    const a = await hosts.start()
    listen(a.host)
    await assert.rejects(a.host.publish(topic, new Uint8Array(1_001)), RangeError)
  })

  it('finds providers of a service through the DHT', async () => {
    const boot = await hosts.start()
    const members = await Promise.all([1, 2, 3].map(() => hosts.start()))
    for (const member of members) await connect(member.host, boot.host)
    await waitUntil('the DHT takes the record', async () => {
      try {
        await members[0]!.host.provide('offers', AbortSignal.timeout(2_000))
        return true
      } catch {
        return false
      }
    })
    const found = new Set<string>()
    await waitUntil('the provider is found', async () => {
      for await (const peer of members[2]!.host.findProviders('offers', AbortSignal.timeout(2_000)))
        found.add(peer)
      return found.has(members[0]!.host.nodeKey)
    })
    await members[2]!.host.dialPeer(members[0]!.host.nodeKey)
    assert.ok(members[2]!.host.isConnected(members[0]!.host.nodeKey))
  })
})
