import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { keccak256, Wallet } from 'ethers'
import { EmbeddedChain } from '../../../node/chain/embedded/embedded-chain.ts'
import { EmbeddedChainError } from '../../../node/chain/embedded/errors.ts'
import { TemporaryFolders } from '../../helpers/temporary.ts'
import { RpcClient } from './rpc-client.ts'

const KILLS = Number(process.env.SHOAL_KILLS ?? 25)
const CLIENTS = 3
/** How many of what was seen are looked at again after each kill; after the last, all are. */
const RECENT = 20
/** Longer than a first start, so that kills fall on every part of it. */
const FIRST_START_MS = 900

interface SeenReceipt {
  blockNumber: string
  blockHash: string
  status: string
}

/**
 * One user of the chain: sends transfers one after the other, and remembers everything it was told, also about
 * transactions that others sent.
 */
class Client {
  readonly wallet = Wallet.createRandom()
  readonly recipient = Wallet.createRandom().address
  /** Receipts the chain gave, by transaction hash. */
  readonly receipts = new Map<string, SeenReceipt>()
  /** Hashes that `eth_sendRawTransaction` answered with, in order. */
  readonly acknowledged: string[] = []
  /** Block hashes seen, by number. */
  readonly blocks = new Map<string, string>()
  #sent = 0
  #checked = 0

  /** Sends until the chain is gone. */
  async run(rpc: RpcClient): Promise<void> {
    try {
      let nonce = Number(await rpc.send('eth_getTransactionCount', this.wallet.address, 'latest'))
      for (;;) {
        const raw = await this.#transfer(nonce)
        this.#sent = Math.max(this.#sent, nonce + 1)
        const hash = keccak256(raw)
        const [answer] = await Promise.all([rpc.send('eth_sendRawTransaction', raw), this.#watch(rpc, hash)])
        assert.equal(answer, hash)
        this.acknowledged.push(hash)
        nonce++
      }
    } catch (error) {
      // Assertions and the chain's own errors have a code; a connection that broke has none.
      if ('code' in (error as Error)) throw error
    }
  }

  /** After a restart: what was told since the last one, or ever, is still so, and nothing happened twice. */
  async check(rpc: RpcClient, ever: boolean): Promise<void> {
    const count = Number(await rpc.send('eth_getTransactionCount', this.wallet.address, 'latest'))
    assert.ok(count >= this.acknowledged.length, `${count} < ${this.acknowledged.length} acknowledged`)
    assert.ok(count <= this.#sent, `${count} > ${this.#sent} sent`)
    const balance = await rpc.send<string>('eth_getBalance', this.recipient, 'latest')
    assert.equal(BigInt(balance), BigInt(count), 'each transaction moved one wei, once')
    for (const hash of this.acknowledged.slice(ever ? 0 : this.#checked)) {
      const receipt = await rpc.send<SeenReceipt | null>('eth_getTransactionReceipt', hash)
      assert.ok(receipt !== null, `${hash} is lost`)
    }
    for (const [hash, seen] of [...this.receipts].slice(ever ? 0 : -RECENT)) {
      const receipt = await rpc.send<SeenReceipt>('eth_getTransactionReceipt', hash)
      const { blockNumber, blockHash, status } = receipt
      assert.deepEqual({ blockNumber, blockHash, status }, seen)
    }
    for (const [number, hash] of [...this.blocks].slice(ever ? 0 : -RECENT)) {
      const block = await rpc.send<{ hash: string } | null>('eth_getBlockByNumber', number, false)
      assert.equal(block?.hash, hash)
    }
    this.#checked = this.acknowledged.length
  }

  /** Reads what others would see while a transaction is on its way. */
  async #watch(rpc: RpcClient, hash: string): Promise<void> {
    const [receipt, block] = await Promise.all([
      rpc.send<SeenReceipt | null>('eth_getTransactionReceipt', hash),
      rpc.send<{ number: string; hash: string }>('eth_getBlockByNumber', 'latest', false),
    ])
    this.blocks.set(block.number, block.hash)
    if (receipt === null) return
    const { blockNumber, blockHash, status } = receipt
    this.receipts.set(hash, { blockNumber, blockHash, status })
  }

  #transfer(nonce: number): Promise<string> {
    return this.wallet.signTransaction({
      to: this.recipient,
      value: 1n,
      type: 2,
      chainId: 31337,
      nonce,
      gasLimit: 21_000,
      maxFeePerGas: 10n ** 11n,
      maxPriorityFeePerGas: 0n,
    })
  }
}

describe('EmbeddedChain, killed at any moment', function () {
  this.timeout(600_000)
  const folders = new TemporaryFolders()
  const chains: EmbeddedChain[] = []

  afterEach(async () => {
    await Promise.all(chains.splice(0).map(chain => chain.stop()))
    await folders.remove()
  })

  const startAndKill = async (folder: string) => {
    let onExit: () => void = () => {}
    const exited = new Promise<void>(resolve => {
      onExit = resolve
    })
    const chain = new EmbeddedChain({ folder }, { onExit: () => onExit() })
    chains.push(chain)
    const info = await chain.start()
    return {
      rpc: new RpcClient(info.rpcUrl),
      replayed: info.replayedTransactions,
      kill: async () => {
        process.kill(chain.pid!, 'SIGKILL')
        await exited
      },
    }
  }

  it('loses nothing it told anybody, and does nothing twice', async () => {
    const folder = await folders.make()
    const clients = Array.from({ length: CLIENTS }, () => new Client())
    let replayed = 0
    for (let round = 0; round <= KILLS; round++) {
      const chain = await startAndKill(folder)
      assert.ok(chain.replayed >= replayed)
      replayed = chain.replayed
      for (const client of clients) {
        if (round === 0) await chain.rpc.send('shoal_fund', client.wallet.address)
        await client.check(chain.rpc, round === KILLS)
      }
      const running = clients.map(client => client.run(chain.rpc))
      await delay(Math.random() * 150)
      await chain.kill()
      await Promise.all(running)
    }
    const acknowledged = clients.reduce((sum, client) => sum + client.acknowledged.length, 0)
    assert.ok(acknowledged > KILLS, `only ${acknowledged} transactions were sent`)
  })

  it('can be started again whenever its first start was cut off', async () => {
    for (let round = 0; round < 8; round++) {
      const folder = await folders.make()
      const chain = new EmbeddedChain({ folder })
      chains.push(chain)
      const started = chain.start().catch((error: unknown) => error)
      await delay((FIRST_START_MS * round) / 8)
      if (chain.pid !== undefined) process.kill(chain.pid, 'SIGKILL')
      const outcome = await started
      if (outcome instanceof Error) assert.ok(outcome instanceof EmbeddedChainError, String(outcome))
      await chain.stop()
      const again = new EmbeddedChain({ folder })
      chains.push(again)
      const { rpcUrl, addresses } = await again.start()
      const code = await new RpcClient(rpcUrl).send<string>('eth_getCode', addresses.settlement, 'latest')
      assert.ok(code.length > 100)
      await again.stop()
    }
  })
})
