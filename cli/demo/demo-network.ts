import { readdir, rm, rmdir } from 'node:fs/promises'
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
  { name: 'bob', model: 'shoal-mini-q8_0', input: '0.25', output: '1' },
  { name: 'carol', model: 'shoal-mini-q4_0', input: '0.2', output: '0.8' },
] as const

const START_TIMEOUT_MS = 60_000

const DEMO_FOLDERS: readonly string[] = ['chain', ...DEMO_NODES.map(({ name }) => name)]

/**
 * Removes what a demo left, and nothing else.
 * @throws {ShoalError} DEMO_FOLDER_FOREIGN when the folder has something that is no demo's
 */
async function removeDemo(root: string): Promise<void> {
  const entries = await readdir(root).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (entries === null) return
  const foreign = entries.find(entry => !DEMO_FOLDERS.includes(entry))
  if (foreign !== undefined) {
    throw new ShoalError('DEMO_FOLDER_FOREIGN', `${root} has ${foreign} in it, which is no demo's`, {
      fix: 'Give the demo a folder of its own with --data.',
      details: { root, foreign },
    })
  }
  await Promise.all(entries.map(entry => rm(join(root, entry), { recursive: true, force: true })))
  await rmdir(root)
}

/** A chain and three nodes on this machine; alice is the only one the others are told of. */
export class DemoNetwork {
  readonly nodes: DemoNode[] = []
  readonly #root: string
  readonly #embedded: EmbeddedChain
  #chain: ChainInfo | null = null
  #hasFolder = false
  #isStopped = false

  /** @param options.root where the chain and the nodes keep what is theirs */
  constructor(options: { root: string }) {
    this.#root = options.root
    this.#embedded = new EmbeddedChain({ folder: join(options.root, 'chain') })
  }

  /** Once it has started. */
  get chain(): ChainInfo {
    if (this.#chain === null) throw new Error('the chain has not started')
    return this.#chain
  }

  /**
   * Starts all anew: what an earlier demo left in the folder is removed. What has begun when this fails is
   * ended by `stop`.
   * @throws {ShoalError} DEMO_RUNNING when one runs there; DEMO_FOLDER_FOREIGN when there is something else;
   *   CANCELLED when it is stopped meanwhile; of the part that did not start
   */
  async start(onChain: (chain: ChainInfo) => void): Promise<void> {
    if (await new ControlClient(controlEndpoint(demoNodeDir(this.#root, 'alice'))).isRunning()) {
      throw new ShoalError('DEMO_RUNNING', 'a demo is running already', {
        fix: 'Stop it with Ctrl-C where it runs, or give this one another --data.',
      })
    }
    await removeDemo(this.#root)
    this.#hasFolder = true
    this.#throwIfStopped()
    const [chain, port] = await Promise.all([this.#embedded.start(), freePort()])
    this.#throwIfStopped()
    this.#chain = chain
    onChain(chain)
    for (const node of DEMO_NODES) this.nodes.push(this.#startNode(node, chain, port))
    await Promise.all(
      this.nodes.map(node => node.waitFor('the start', ({ type }) => type === 'ready', START_TIMEOUT_MS)),
    )
  }

  /** Ends everything, also what is only starting; idempotent. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await Promise.all(this.nodes.map(node => node.stop()))
    await this.#embedded.stop()
  }

  /** Removes what it has left. Call only after `stop`. */
  async remove(): Promise<void> {
    if (this.#hasFolder) await removeDemo(this.#root)
  }

  #startNode(
    { name, model, input, output }: (typeof DEMO_NODES)[number],
    chain: ChainInfo,
    port: number,
  ): DemoNode {
    const isFirst = this.nodes.length === 0
    return new DemoNode({
      name,
      dataDir: demoNodeDir(this.#root, name),
      flags: [
        ['--rpc', chain.rpcUrl],
        ['--listen', `/ip4/127.0.0.1/tcp/${isFirst ? port : 0}`],
        isFirst ? [] : ['--bootstrap', `/ip4/127.0.0.1/tcp/${port}`],
        // Alice could answer herself for nothing; the story is of what others do for her.
        ['--no-mdns', '--scope', 'local', '--no-use-own'],
        ['--model', model, '--price-input', input, '--price-output', output],
        // An hour is sensible; a demo should not take one.
        ['--settle-every', '2s', '--settle-above', '0', '--anchor-every', '3s', '--poll-every', '250ms'],
      ].flat(),
    })
  }

  #throwIfStopped(): void {
    if (this.#isStopped) throw new ShoalError('CANCELLED', 'the demo was stopped before its end')
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
