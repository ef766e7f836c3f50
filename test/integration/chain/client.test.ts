import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ChainClient } from '../../../node/chain/client.ts'
import { ChainError } from '../../../node/chain/errors.ts'
import { HardhatChain } from '../../helpers/hardhat-chain.ts'

const code = (expected: string) => (error: unknown) => {
  assert.ok(error instanceof ChainError, String(error))
  assert.equal(error.code, expected)
  return true
}

describe('chain client', () => {
  let chain: HardhatChain
  before(async () => {
    chain = await HardhatChain.start()
  })
  after(() => chain.stop())

  it('reads wallets, and nothing where there is nothing', async () => {
    const client = await chain.client()
    const wallet = await chain.wallet(7n)
    const { gas, credits, settlementCredits, stake } = await client.balances(wallet.address)
    assert.ok(gas > 0n)
    assert.deepEqual([credits, settlementCredits, stake], [7n, 0n, 0n])
    assert.equal(await client.channel(`0x${'00'.repeat(32)}`), null)
    assert.equal(await client.nodeKeyOf(wallet.address), null)
    assert.equal(await client.nextAnchorSequence(wallet.address), 1)
    client.stop()
    client.stop()
  })

  it('refuses a chain that does not answer, another chain, and one without our contracts', async () => {
    const { rpcUrl, deployment } = chain
    const connect = (options: Partial<Parameters<typeof ChainClient.connect>[0]>) =>
      ChainClient.connect({ rpcUrl, expectedChainId: null, deployment, ...options })
    await assert.rejects(connect({ rpcUrl: 'http://127.0.0.1:1' }), code('CHAIN_UNREACHABLE'))
    await assert.rejects(connect({ expectedChainId: 1 }), code('CHAIN_ID_MISMATCH'))
    await assert.rejects(connect({ deployment: { ...deployment, chainId: 5 } }), code('CHAIN_ID_MISMATCH'))
    await assert.rejects(connect({ deployment: null }), code('CONTRACTS_UNKNOWN'))
    const nowhere = `0x${'12'.repeat(20)}`
    await assert.rejects(
      connect({ deployment: { ...deployment, addresses: { ...deployment.addresses, settlement: nowhere } } }),
      code('CONTRACTS_NOT_DEPLOYED'),
    )
    const swapped = { ...deployment.addresses, settlement: deployment.addresses.creditToken }
    await assert.rejects(
      connect({ deployment: { ...deployment, addresses: swapped } }),
      code('CONTRACTS_NOT_DEPLOYED'),
    )
  })

  it('refuses what is no JSON-RPC', async () => {
    const server = createServer((_request, response) => response.end('<html>hello</html>')).listen(
      0,
      '127.0.0.1',
    )
    await new Promise(resolve => server.once('listening', resolve))
    const rpcUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    await assert.rejects(
      ChainClient.connect({ rpcUrl, expectedChainId: null, deployment: null }),
      code('CHAIN_UNREACHABLE'),
    )
    server.closeAllConnections()
    server.close()
  })
})
