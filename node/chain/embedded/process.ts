import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isShoalError } from '../../../protocol/errors.ts'
import { EmbeddedChainError } from './errors.ts'
import { createEvmRuntime } from './evm.ts'
import { type OpenedChain, openChainFolder, readRpcUrl } from './folder.ts'
import type { ChainInfo, ChainProcessOptions, FromChainProcess, ToChainProcess } from './ipc.ts'
import { RpcServer } from './rpc-server.ts'
import { RpcService } from './rpc-service.ts'

/*
 * The chain's process. It begins when its parent sends `start`, and ends on `stop`, on SIGTERM, and, unless it was
 * started detached, when its parent is gone. Ctrl-C reaches it together with its parent, which still needs the chain
 * to come to an orderly end: SIGINT is the parent's to decide on.
 */

let running: Promise<{ stop: () => Promise<void> } | undefined> | undefined
let stopping: Promise<void> | undefined
let detached = false

process.on('SIGINT', () => {})
process.on('SIGTERM', () => void stop())
process.on('disconnect', () => {
  if (!detached) void stop()
})
process.on('message', (message: ToChainProcess) => {
  if (message.type === 'stop') void stop()
  else running ??= start(message.options)
})

async function start(options: ChainProcessOptions): Promise<{ stop: () => Promise<void> } | undefined> {
  detached = options.detached
  try {
    const opened = await openChainFolder(
      {
        folder: options.folder,
        chainId: options.chainId,
        deployment: options.deployment,
      },
      {
        runtime: await createEvmRuntime(),
        now: Date.now,
        onProgress: replayedTransactions => tell({ type: 'progress', replayedTransactions }),
      },
    )
    const server = serverOf(options, opened)
    const port = await listen(server, options).catch(async (error: unknown) => {
      await opened.close()
      throw error
    })
    const rpcUrl = `http://127.0.0.1:${port}`
    await writeFile(join(options.folder, 'rpc-url'), `${rpcUrl}\n`)
    const info: ChainInfo = {
      ...opened.deployment,
      rpcUrl,
      replayedTransactions: opened.replayedTransactions,
    }
    tell({ type: 'ready', info })
    return {
      stop: async () => {
        await server.close()
        await opened.close()
      },
    }
  } catch (error) {
    if (!isShoalError(error)) throw error
    tell({ type: 'failed', error: (error as EmbeddedChainError).toJSON() })
    return undefined
  }
}

function stop(): Promise<void> {
  stopping ??= running?.then(chain => chain?.stop()) ?? Promise.resolve()
  return stopping.then(() => process.exit(0))
}

function serverOf(options: ChainProcessOptions, { chain, deployment, deployerKey }: OpenedChain): RpcServer {
  // The faucet signs, which takes a library that nothing else here needs.
  const faucet = lazy(async () => {
    const { Faucet } = await import('./faucet.ts')
    return new Faucet({ deployment, privateKey: deployerKey }, { chain })
  })
  const service = new RpcService(
    { deployment, allowTestMethods: options.allowTestMethods },
    { chain, fund: async address => await (await faucet()).fund(address) },
  )
  return new RpcServer({ handle: call => service.handle(call) })
}

async function listen(server: RpcServer, { port, folder }: ChainProcessOptions): Promise<number> {
  if (port === 0) {
    const remembered = Number(new URL((await readRpcUrl(folder)) ?? 'http://127.0.0.1:0').port)
    return await server.listen(remembered).catch(() => server.listen(0))
  }
  try {
    return await server.listen(port)
  } catch (cause) {
    throw new EmbeddedChainError(
      'CHAIN_PORT_IN_USE',
      `Port ${port} cannot be listened on: ${(cause as Error).message}`,
      {
        fix: 'Choose another port, or none to have a free one taken.',
        details: { port },
        cause,
      },
    )
  }
}

function lazy<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | undefined
  return () => {
    made ??= make()
    return made
  }
}

function tell(message: FromChainProcess): void {
  if (process.connected) process.send?.(message)
}
