import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Wallet } from 'ethers'
import { encodeParameters, networkParameters } from '../../../node/chain/deployment-parameters.ts'
import { EmbeddedChain } from '../../../node/chain/embedded/embedded-chain.ts'
import type { ChainInfo, FromChainProcess, ToChainProcess } from '../../../node/chain/embedded/ipc.ts'
import { TemporaryFolders } from '../../helpers/temporary.ts'
import { RpcClient } from './rpc-client.ts'

const PROCESS = fileURLToPath(new URL('../../../node/chain/embedded/process.ts', import.meta.url))
/** Enough for the contracts and some transactions. */
const MAX_FILE_KIBIBYTES = 360

/** The chain's process, in which no file can grow beyond a size: writing further fails half way, as on a full disk. */
async function startLimited(folder: string): Promise<{ child: ChildProcess; info: ChainInfo }> {
  const limit = `trap '' XFSZ; ulimit -f ${MAX_FILE_KIBIBYTES * 2}; exec "$0" "$1"`
  const child = spawn('sh', ['-c', limit, process.execPath, PROCESS], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const start: ToChainProcess = {
    type: 'start',
    options: {
      folder,
      chainId: 31337,
      port: 0,
      allowTestMethods: false,
      deployment: encodeParameters(networkParameters('local')),
      detached: false,
    },
  }
  child.send(start)
  const [message] = (await once(child, 'message')) as [FromChainProcess]
  if (message.type !== 'ready') throw new Error(JSON.stringify(message))
  return { child, info: message.info }
}

describe('EmbeddedChain on a full disk', () => {
  const folders = new TemporaryFolders()
  let child: ChildProcess | undefined

  before(function () {
    if (process.platform === 'win32') this.skip()
  })
  afterEach(async () => {
    child?.kill('SIGKILL')
    await folders.remove()
  })

  it('refuses transactions with what to do, goes on reading, and has lost nothing afterwards', async () => {
    const folder = await folders.make()
    const limited = await startLimited(folder)
    child = limited.child
    const rpc = new RpcClient(limited.info.rpcUrl)
    const wallet = Wallet.createRandom()
    await rpc.send('shoal_fund', wallet.address)
    const sign = (nonce: number, data: string) =>
      wallet.signTransaction({
        to: wallet.address,
        data,
        type: 2,
        chainId: 31337,
        nonce,
        gasLimit: 500_000,
        maxFeePerGas: 10n ** 11n,
        maxPriorityFeePerGas: 0n,
      })

    const large = `0x${'00'.repeat(4_000)}`
    let nonce = 0
    let refusal: unknown
    while (refusal === undefined) {
      await rpc.send('eth_sendRawTransaction', await sign(nonce, large)).then(
        () => nonce++,
        (error: unknown) => {
          refusal = error
        },
      )
    }
    const { message, data } = refusal as { message: string; data: { code: string } }
    assert.match(message, /cannot be written.*Free space/)
    assert.deepEqual(data, { code: 'CHAIN_JOURNAL_UNWRITABLE' })
    assert.ok(nonce > 0)

    const count = () => rpc.send<string>('eth_getTransactionCount', wallet.address, 'latest')
    assert.equal(Number(await count()), nonce)
    const { size } = await stat(join(folder, 'journal'))
    assert.ok(size < MAX_FILE_KIBIBYTES * 1_024)
    await rpc.send('eth_sendRawTransaction', await sign(nonce, '0x'))
    const block = await rpc.send<{ hash: string; number: string }>('eth_getBlockByNumber', 'latest', false)
    child.kill('SIGKILL')
    await once(child, 'exit')

    const chain = new EmbeddedChain({ folder })
    const again = new RpcClient((await chain.start()).rpcUrl)
    try {
      const found = await again.send<{ hash: string }>('eth_getBlockByNumber', block.number, false)
      assert.equal(found.hash, block.hash)
      await again.send('eth_sendRawTransaction', await sign(nonce + 1, large))
    } finally {
      await chain.stop()
    }
  })
})
