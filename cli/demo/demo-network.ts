import { rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { EmbeddedChain } from '../../node/chain/embedded/embedded-chain.ts'
import type { ChainInfo } from '../../node/chain/embedded/ipc.ts'
import { ControlClient } from '../../node/gateway/control-client.ts'
import { controlEndpoint } from '../../node/gateway/control-endpoint.ts'
import { ShoalError } from '../../protocol/errors.ts'
import { demoNodeDir } from '../context.ts'
import { DemoNode } from './demo-node.ts'

/** The three of the demo: they differ in what they run and what they ask for it. */
export const DEMO_NODES = [
  { name: 'alice', model: 'shoal-nano-q8_0', input: '0.1', output: '0.4' },
  { name: 'bob', model: 'shoal-nano-q8_0', input: '0.25', output: '1' },
  { name: 'carol', model: 'shoal-nano-q8_0', input: '0.2', output: '0.8' },
] as const

const START_TIMEOUT_MS = 60_000

/** A chain and three nodes on this machine; alice is the only one the others are told of. */
export class DemoNetwork {
  readonly chain: ChainInfo
  readonly nodes: readonly DemoNode[]
  readonly #embedded: EmbeddedChain

  private constructor(chain: ChainInfo, nodes: readonly DemoNode[], embedded: EmbeddedChain) {
    this.chain = chain
    this.nodes = nodes
    this.#embedded = embedded
  }

  /**
   * Starts all anew: what an earlier demo left in the folder is removed.
   * @throws {ShoalError} DEMO_RUNNING when one runs there; of the part that did not start
   */
  static async start(root: string, onChain: (chain: ChainInfo) => void): Promise<DemoNetwork> {
    if (await new ControlClient(controlEndpoint(demoNodeDir(root, 'alice'))).isRunning()) {
      throw new ShoalError('DEMO_RUNNING', 'a demo is running already', {
        fix: 'Stop it with Ctrl-C where it runs, or give this one another --data.',
      })
    }
    await rm(root, { recursive: true, force: true })
    const embedded = new EmbeddedChain({ folder: join(root, 'chain') })
    const nodes: DemoNode[] = []
    try {
      const [chain, port] = await Promise.all([embedded.start(), freePort()])
      onChain(chain)
      for (const { name, model, input, output } of DEMO_NODES) {
        const isFirst = nodes.length === 0
        nodes.push(
          new DemoNode({
            name,
            dataDir: demoNodeDir(root, name),
            flags: [
              ['--rpc', chain.rpcUrl],
              ['--listen', `/ip4/127.0.0.1/tcp/${isFirst ? port : 0}`],
              isFirst ? [] : ['--bootstrap', `/ip4/127.0.0.1/tcp/${port}`],
              ['--no-mdns', '--scope', 'local'],
              ['--model', model, '--price-input', input, '--price-output', output],
              // An hour is sensible; a demo should not take one.
              [
                '--settle-every',
                '2s',
                '--settle-above',
                '0',
                '--anchor-every',
                '3s',
                '--poll-every',
                '250ms',
              ],
            ].flat(),
          }),
        )
      }
      const network = new DemoNetwork(chain, nodes, embedded)
      await Promise.all(
        nodes.map(node => node.waitFor('the start', ({ type }) => type === 'ready', START_TIMEOUT_MS)),
      )
      return network
    } catch (error) {
      await Promise.all(nodes.map(node => node.stop()))
      await embedded.stop()
      throw error
    }
  }

  /** Ends everything; idempotent. */
  async stop(): Promise<void> {
    await Promise.all(this.nodes.map(node => node.stop()))
    await this.#embedded.stop()
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
