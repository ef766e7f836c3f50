import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type ChainClient, contractInterfaces } from '../../../../node/chain/client.ts'
import { type CourtEvent, CourtWatcher } from '../../../../node/chain/court-watcher.ts'
import { Store } from '../../../../node/store/store.ts'
import { silentLog } from '../../../helpers/hosts.ts'
import { ManualClock } from '../../../helpers/manual-clock.ts'
import { TemporaryFolders } from '../../../helpers/temporary.ts'

const JUROR = `0x${'11'.repeat(20)}`
const { jury } = contractInterfaces

/** A chain of blocks that can be taken back, with jurors drawn in some of them. */
class Blocks {
  /** Disputes drawn in each block, from block 0. */
  drawn: number[][] = [[]]
  fork = 0

  readonly client = {
    deployment: { deploymentBlock: 0 },
    addresses: { court: `0x${'22'.repeat(20)}` },
    addressOf: async () => `0x${'33'.repeat(20)}`,
    blockNumber: async () => this.drawn.length - 1,
    request: async (method: string, [first]: unknown[]) =>
      method === 'eth_getLogs' ? this.#logs(first as Filter) : this.#block(Number(first)),
  } as unknown as ChainClient

  #block(number: number): { hash: string } | null {
    if (number >= this.drawn.length) return null
    const hash = `${number}-${this.fork}-${JSON.stringify(this.drawn.slice(0, number + 1))}`
    return { hash: `0x${Buffer.from(hash).toString('hex').slice(-64).padStart(64, '0')}` }
  }

  #logs({ address, fromBlock, toBlock }: Filter): unknown[] {
    if (address !== `0x${'33'.repeat(20)}`) return []
    return this.drawn.flatMap((disputes, block) => {
      if (block < Number(fromBlock) || block > Number(toBlock)) return []
      return disputes.map((disputeId, logIndex) => ({
        ...jury.encodeEventLog('JurorDrawn', [disputeId, 0, JUROR]),
        ...{ blockNumber: String(block), logIndex: String(logIndex) },
      }))
    })
  }
}

interface Filter {
  address: string
  fromBlock: string
  toBlock: string
}

describe('the watcher of the court', () => {
  const folders = new TemporaryFolders()
  after(() => folders.remove())

  it('tells each event once it is deep enough, goes on where it stopped, and again where blocks were taken back', async () => {
    const folder = await folders.make()
    const blocks = new Blocks()
    let told: number[] = []
    const open = async () => {
      const store = await Store.open(join(folder, 'store'))
      const watcher = new CourtWatcher(
        { confirmations: 2, pollIntervalMs: 1_000 },
        {
          ...{ client: blocks.client, store, clock: new ManualClock(), log: silentLog },
          onEvents: async (events: readonly CourtEvent[]) => {
            told.push(...events.map(({ disputeId }) => disputeId))
          },
        },
      )
      await watcher.start()
      const close = async () => {
        await watcher.stop()
        await store.close()
      }
      return { watcher, close }
    }
    const told_ = () => told.splice(0)
    let at = await open()
    blocks.drawn = [[], [1], [2]]
    await at.watcher.poll()
    assert.deepEqual(told_(), [1], 'the last block is not deep enough')
    blocks.drawn.push([3], [])
    await at.watcher.poll()
    assert.deepEqual(told_(), [2, 3])
    await at.watcher.poll()
    assert.deepEqual(told_(), [])
    await at.close()
    at = await open()
    blocks.drawn.push([4], [])
    await at.watcher.poll()
    assert.deepEqual(told_(), [4], 'from the checkpoint')
    // Blocks 3 to 6 are replaced by others.
    blocks.fork = 1
    blocks.drawn = [[], [1], [2], [5], [], [6], [], []]
    await at.watcher.poll()
    assert.deepEqual(told_(), [1, 2, 5, 6], 'told again, and what is new')
    told = []
    await at.watcher.poll()
    assert.deepEqual(told, [])
    await at.close()
  })
})
