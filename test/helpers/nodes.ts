import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { EmbeddedChain, type EmbeddedChainOptions } from '../../node/chain/embedded/embedded-chain.ts'
import type { ChainInfo } from '../../node/chain/embedded/ipc.ts'
import { loadConfig } from '../../node/config/load.ts'
import type { SettingKey } from '../../node/config/settings.ts'
import { dataDirAt } from '../../node/data-dir.ts'
import { DEFAULT_PREFERENCES } from '../../node/market/preferences.ts'
import { GREEDY_POLICY } from '../../node/market/routing/learning/policy-settings.ts'
import { ShoalNode } from '../../node/node.ts'
import { type NodeEvent, NodeEvents } from '../../node/node-events.ts'
import { Wallet } from '../../node/payments/wallet.ts'
import type { AskOptions, TaskEvent, TaskResult } from '../../node/tasks/ask.ts'
import { silentLog } from './hosts.ts'
import { GREEDY } from './samples.ts'
import { TemporaryFolders } from './temporary.ts'
import { waitUntil } from './wait.ts'

export const NANO = 'shoal-nano-q8_0'
/** Several engines that begin at once on a busy machine take their time. */
const READY_WITHIN_MS = 60_000

/** Whole nodes with real sockets, a real chain and real engines, in this process; stopped together. */
export class TestNetwork {
  readonly #folders = new TemporaryFolders()
  readonly #nodes: TestNode[] = []
  #embedded: EmbeddedChain | null = null
  chain!: ChainInfo

  async start(chain: Omit<EmbeddedChainOptions, 'folder'> = {}): Promise<void> {
    this.#embedded = new EmbeddedChain({ ...chain, folder: join(await this.#folders.make(), 'chain') })
    this.chain = await this.#embedded.start()
  }

  /** Takes the chain away; `bringChainBack` goes on with it at the same address. */
  async takeChainAway(): Promise<void> {
    await this.#embedded?.stop()
  }

  async bringChainBack(): Promise<void> {
    await this.#embedded?.start()
  }

  folder(): Promise<string> {
    return this.#folders.make()
  }

  /** A node that offers the smallest embedded model, unless told otherwise. */
  async node(
    flags: Partial<Record<SettingKey, unknown>> = {},
    again?: Pick<TestNode, 'root' | 'wallet'>,
  ): Promise<TestNode> {
    const root = again?.root ?? (await this.#folders.make())
    const wallet = again?.wallet ?? new Wallet(`0x${randomBytes(32).toString('hex')}`)
    const { config } = await loadConfig({
      dataDir: root,
      environment: {},
      flags: {
        'chain.rpc': this.chain.rpcUrl,
        'chain.pollEvery': '50ms',
        'p2p.listen': '/ip4/127.0.0.1/tcp/0',
        'p2p.mdns': false,
        'models.serve': NANO,
        'models.slots': 4,
        // Tasks are for others here, unless a test says otherwise.
        'local.use': false,
        // How long a busy machine stands still is no fault of a provider, unless a test is about that.
        'task.stallTimeout': '1m',
        // Measuring anew for each new folder would take most of a test's time.
        'engine.threads': 1,
        // A test that finds one would be another test.
        'engine.gpu': 'off',
        ...flags,
      },
    })
    const events = new NodeEvents()
    const told: NodeEvent[] = []
    events.on('event', event => told.push(event))
    const node = await ShoalNode.start(
      { dataDir: dataDirAt(root), config, wallet: Promise.resolve(wallet) },
      // A node that is told how much to log does so.
      { events, ...(flags['log.level'] === undefined ? { log: silentLog } : {}) },
    )
    const made = new TestNode(node, root, wallet, told)
    this.#nodes.push(made)
    if (config['models.serve'].length > 0)
      await made.until(
        'the model is ready',
        ({ type, ...event }) => type === 'model' && 'state' in event && event.state === 'ready',
        READY_WITHIN_MS,
      )
    return made
  }

  async stopNodes(): Promise<void> {
    await Promise.all(this.#nodes.splice(0).map(({ node }) => node.stop()))
  }

  async stop(): Promise<void> {
    await this.stopNodes()
    await this.#embedded?.stop()
    await this.#folders.remove()
  }
}

export class TestNode {
  readonly node: ShoalNode
  readonly root: string
  readonly wallet: Wallet
  readonly told: NodeEvent[]

  constructor(node: ShoalNode, root: string, wallet: Wallet, told: NodeEvent[]) {
    this.node = node
    this.root = root
    this.wallet = wallet
    this.told = told
  }

  get key(): string {
    return this.node.parts.host.nodeKey
  }

  get address(): string {
    return this.node.parts.host.addresses()[0]!
  }

  /** Has it choose by scores alone: no newcomer is tried by chance, no other for what may be learned of it. */
  choosesByScore(): void {
    this.node.parts.learning.policy.configure({ ...GREEDY_POLICY, explorationRate: 0 })
    this.node.trade.router.tune({ maxTrials: 0 })
  }

  until(what: string, matches: (event: NodeEvent) => boolean, timeoutMs?: number): Promise<void> {
    return waitUntil(what, () => this.told.some(matches), timeoutMs)
  }

  /** Waits until this node knows offers of the others. */
  knows(...others: TestNode[]): Promise<void> {
    return waitUntil('the offers are known', () =>
      others.every(({ key }) => this.node.parts.book.of(key) !== null),
    )
  }

  async ask(
    prompt: string,
    options: Partial<AskOptions> = {},
    onEvent: (event: TaskEvent) => void = () => {},
    signal: AbortSignal = AbortSignal.timeout(50_000),
  ): Promise<TaskResult> {
    return this.node.trade.requester.ask(askFor(prompt, options), onEvent, signal)
  }
}

export function askFor(prompt: string, options: Partial<AskOptions> = {}): AskOptions {
  return {
    input: { kind: 'chat', messages: [{ role: 'user', content: prompt }] },
    model: null,
    maxTokens: 64,
    maxPrice: null,
    sampling: GREEDY,
    stop: [],
    jsonSchema: null,
    preferences: DEFAULT_PREFERENCES,
    ...options,
  }
}
