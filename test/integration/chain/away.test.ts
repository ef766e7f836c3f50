import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { isShoalError } from '../../../protocol/errors.ts'
import { CREDIT } from '../../../protocol/money.ts'
import { TestNetwork, type TestNode } from '../../helpers/nodes.ts'
import { waitUntil } from '../../helpers/wait.ts'

const unreachable = (error: unknown) => isShoalError(error, 'CHAIN_UNREACHABLE')

describe('a node whose chain is away', () => {
  const network = new TestNetwork()
  let provider: TestNode
  let requester: TestNode
  /** Where the contracts are: what a node without its chain must be told. */
  let known: { 'chain.contracts': string; 'chain.confirmations': number }

  before(async () => {
    await network.start()
    provider = await network.node({ 'earning.settleEvery': '1s', 'earning.settleAbove': '0' })
    requester = await network.node({ 'models.serve': '', 'p2p.bootstrap': provider.address })
    await requester.knows(provider)
    await requester.ask('Hello!')
    const contracts = join(await network.folder(), 'contracts.json')
    await writeFile(contracts, JSON.stringify(provider.node.parts.deployment))
    known = { 'chain.contracts': contracts, 'chain.confirmations': 1 }
  })
  after(() => network.stop())

  const earned = () => provider.node.trade.economy.payee.list()[0]!

  it('goes on with tasks on open channels, and claims what it earned when the chain is back', async () => {
    await waitUntil('the first earnings are claimed', () => earned().claimed === earned().cumulative)
    const before = earned().claimed
    await network.takeChainAway()
    const { paid, status } = await requester.ask('What is Shoal?')
    assert.equal(status, 'completed')
    assert.ok(paid > 0n)
    await assert.rejects(provider.node.trade.economy.client.blockNumber(), unreachable)
    await network.bringChainBack()
    await waitUntil('the earnings are claimed', () => earned().claimed === before + paid)
    assert.equal(
      (await provider.node.trade.economy.client.channel(earned().channelId))?.claimed,
      before + paid,
    )
  })

  it('starts without it, says so, and trades as soon as it is there', async () => {
    await network.stopNodes()
    await network.takeChainAway()
    provider = await network.node(known, provider)
    requester = await network.node(
      { ...known, 'models.serve': '', 'p2p.bootstrap': provider.address },
      requester,
    )
    await waitUntil('they are connected', () => requester.node.parts.host.isConnected(provider.key))
    for (const node of [provider, requester]) {
      assert.equal(node.node.tradeOrNull, null)
      const said = node.told.filter(event => event.type === 'chain')
      assert.deepEqual(said, [{ type: 'chain', state: 'unreachable' }])
    }
    await assert.rejects(async () => requester.ask('Hello!'), unreachable)
    await network.bringChainBack()
    for (const node of [provider, requester])
      await node.until('it trades', event => event.type === 'chain' && event.state === 'connected')
    await requester.knows(provider)
    assert.equal((await requester.ask('Hello!')).status, 'completed')
  })

  it('refuses another chain at its start', async () => {
    const refusal = (expected: string) => (error: unknown) => {
      assert.ok(isShoalError(error, expected as never), String(error))
      assert.ok(error.fix)
      return true
    }
    await assert.rejects(network.node({ 'chain.id': 1 }), refusal('CHAIN_ID_MISMATCH'))
    const file = join(await network.folder(), 'contracts.json')
    const { deployment } = provider.node.parts
    await writeFile(file, JSON.stringify({ ...deployment, chainId: 5 }))
    await assert.rejects(network.node({ 'chain.contracts': file }), refusal('CHAIN_ID_MISMATCH'))
    const addresses = { ...deployment.addresses, settlement: `0x${'12'.repeat(20)}` }
    await writeFile(file, JSON.stringify({ ...deployment, addresses }))
    await assert.rejects(network.node({ 'chain.contracts': file }), refusal('CONTRACTS_NOT_DEPLOYED'))
  })

  it('says once that another chain has come in its place, and goes on when the right one is there', async () => {
    /** Answers with another chain's id until it is told to pass all on. */
    let isRight = false
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      if (!isRight) {
        response.end(JSON.stringify({ jsonrpc: '2.0', id: 1, result: '0x1' }))
        return
      }
      const answer = await fetch(network.chain.rpcUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: Buffer.concat(chunks),
      })
      response.setHeader('content-type', 'application/json')
      response.end(await answer.text())
    })
    const listen = (port: number) => new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
    await listen(0)
    const { port } = server.address() as AddressInfo
    const close = () =>
      new Promise(resolve => {
        server.closeAllConnections()
        server.close(resolve)
      })
    await close()
    const node = await network.node({
      ...known,
      'models.serve': '',
      'chain.rpc': `http://127.0.0.1:${port}`,
    })
    try {
      assert.equal(node.node.tradeOrNull, null)
      await listen(port)
      const warned = () => node.told.filter(event => event.type === 'warning')
      await waitUntil('it is told', () => warned().length > 0)
      isRight = true
      await node.until('it trades', event => event.type === 'chain' && event.state === 'connected')
      assert.deepEqual(
        warned().map(event => event.type === 'warning' && event.code),
        ['CHAIN_ID_MISMATCH'],
      )
      assert.ok((await node.node.trade.economy.client.balances(node.wallet.address)).credits < CREDIT)
    } finally {
      await node.node.stop()
      await close()
    }
  })
})
