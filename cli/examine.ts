import { statfs } from 'node:fs/promises'
import { arch, cpus, platform, totalmem } from 'node:os'
import { ProcessEngine } from '../inference/llama/process-engine.ts'
import { ModelCatalog } from '../inference/models/catalog.ts'
import { readDeploymentFile } from '../node/chain/addresses.ts'
import { ChainClient } from '../node/chain/client.ts'
import type { Config } from '../node/config/settings.ts'
import type { DataDir } from '../node/data-dir.ts'
import type { ControlClient } from '../node/gateway/control-client.ts'
import type { StatusView, WalletView } from '../node/gateway/views.ts'
import { assertPortsFree } from '../node/p2p/ports.ts'
import { guessScope } from '../node/p2p/scope.ts'
import { keystoreAddress, openWallet } from '../node/payments/wallet.ts'
import { ShoalError } from '../protocol/errors.ts'
import { paint } from './ui/output.ts'
import { exists, findPassword } from './wallet-password.ts'

/** One thing that was looked at. `skipped` says nothing is known; `warning` that it works, but. */
export interface Finding {
  check: string
  state: 'ok' | 'warning' | 'failed' | 'skipped'
  detail: string
  fix?: string
}

const MIN_FREE_BYTES = 1_073_741_824
const MIN_GAS_WEI = 10n ** 15n

/**
 * Looks at everything a node needs, one thing after the other.
 * @param tell called with each finding as it is made
 */
export async function examine(
  node: { dataDir: DataDir; config: Config; running: ControlClient | null },
  tell: (finding: Finding) => void,
): Promise<Finding[]> {
  const { dataDir, config, running } = node
  const findings: Finding[] = []
  const look = async (check: string, find: () => Promise<Omit<Finding, 'check'>>) => {
    const finding = { check, ...(await find().catch(failedBy)) }
    findings.push(finding)
    tell(finding)
  }
  await look('Program', () => Promise.resolve(programFinding()))
  await look('Disk', () => diskFinding(dataDir))
  await look('Keys', () => keysFinding(dataDir, config, running))
  await look('Ports', () => portsFinding(config, running))
  await look('Reachability', () => reachabilityFinding(config, running))
  await look('Chain', () => chainFinding(config, running))
  await look('Balance', () => balanceFinding(running))
  await look('GPU', () => gpuFinding(config, running))
  await look('Models', () => modelsFinding(dataDir, config))
  return findings
}

function programFinding(): Omit<Finding, 'check'> {
  const memoryGiB = Math.round(totalmem() / 2 ** 30)
  return ok(`Node.js ${process.version} on ${platform()} ${arch()}, ${cpus().length} cores, ${memoryGiB} GiB`)
}

async function diskFinding(dataDir: DataDir): Promise<Omit<Finding, 'check'>> {
  const folder = (await exists(dataDir.root)) ? dataDir.root : '/'
  const { bavail, bsize } = await statfs(folder)
  const free = bavail * bsize
  const detail = `${(free / 2 ** 30).toFixed(1)} GiB free at ${folder}`
  if (free >= MIN_FREE_BYTES) return ok(detail)
  return failed(detail, 'Free some space: a node that cannot log its decisions takes no tasks.')
}

async function keysFinding(
  dataDir: DataDir,
  config: Config,
  running: ControlClient | null,
): Promise<Omit<Finding, 'check'>> {
  const address = await keystoreAddress(dataDir.wallet)
  if (address === null) return failed(`no wallet in ${dataDir.root}`, 'Run shoal init.')
  if (running !== null) return ok(`wallet ${address}, unlocked by the running node`)
  const password =
    config['wallet.password'] ??
    config['wallet.passwordFile'] ??
    ((await exists(dataDir.walletPassword)) ? '' : null)
  if (password === null)
    return warning(
      `wallet ${address}; its password is asked for at each start`,
      'Set SHOAL_WALLET_PASSWORD or --password-file for a node that starts by itself.',
    )
  await openWallet(dataDir.wallet, await findPassword(config, dataDir))
  return ok(`wallet ${address}, its password fits`)
}

async function portsFinding(config: Config, running: ControlClient | null): Promise<Omit<Finding, 'check'>> {
  if (running !== null) {
    const { addresses } = (await running.call('status', {})) as StatusView
    return ok(
      `listening at ${addresses.map(address => address.replace(/\/p2p\/.*/, '')).join(', ') || 'the addresses of p2p.listen'}`,
    )
  }
  await assertPortsFree(config['p2p.listen'])
  return ok(`free: ${config['p2p.listen'].join(', ')}`)
}

async function reachabilityFinding(
  config: Config,
  running: ControlClient | null,
): Promise<Omit<Finding, 'check'>> {
  if (running === null) return skipped('the node does not run', 'Start it with shoal up and look again.')
  const status = (await running.call('doctor', {})) as StatusView & { unreachableBootstraps: string[] }
  if (status.unreachableBootstraps.length > 0) {
    return failed(
      `no answer from ${status.unreachableBootstraps.join(', ')}`,
      'Check the address and its firewall; the node keeps trying.',
    )
  }
  const isPublic = guessScope([...config['p2p.bootstrap'], ...config['p2p.announce']]) === 'public'
  if (isPublic && status.addresses.length === 0) {
    return failed(
      `${status.peers} peers, but nobody can dial this node`,
      'Forward the ports of p2p.listen, and name your address with --announce.',
    )
  }
  if (status.peers === 0)
    return warning(
      'no peers yet',
      'Name a node to join by with --bootstrap; on a local network they find each other.',
    )
  return ok(`${status.peers} peers, ${status.offers} offers known`)
}

async function chainFinding(config: Config, running: ControlClient | null): Promise<Omit<Finding, 'check'>> {
  if (running !== null) {
    const { chain } = (await running.call('status', {})) as StatusView
    if (!chain.connected) return failed(`${chain.url} does not answer`, 'Check --rpc and your connection.')
    const client = await ChainClient.connect({
      rpcUrl: chain.url,
      expectedChainId: null,
      deployment: chain.deployment,
    })
    const block = await client.blockNumber().finally(() => client.stop())
    return ok(`${chain.url}, chain ${chain.chainId}, block ${block}`)
  }
  if (config['chain.rpc'] === 'local') return ok('embedded; it starts with the node')
  const file = config['chain.contracts']
  const deployment = file === null ? null : await readDeploymentFile(file)
  const client = await ChainClient.connect({
    rpcUrl: config['chain.rpc'],
    expectedChainId: config['chain.id'],
    deployment,
  })
  const block = await client.blockNumber().finally(() => client.stop())
  return ok(`${config['chain.rpc']}, chain ${client.chainId}, block ${block}`)
}

async function balanceFinding(running: ControlClient | null): Promise<Omit<Finding, 'check'>> {
  if (running === null) return skipped('the node does not run', 'Start it with shoal up and look again.')
  const wallet = (await running.call('wallet', {})) as WalletView
  const detail = `${wallet.credits} credits, ${wallet.settlementCredits} in Settlement, ${wallet.gas} for gas`
  const isPoor = BigInt(Math.floor(Number(wallet.gas) * 1e18)) < MIN_GAS_WEI
  if (isPoor)
    return failed(
      detail,
      `Send some of the chain's own coin to ${wallet.address}: without it nothing can be claimed or opened.`,
    )
  if (Number(wallet.credits) + Number(wallet.settlementCredits) === 0) {
    return warning(detail, `To ask others, send credits to ${wallet.address}; to earn, none are needed.`)
  }
  return ok(detail)
}

async function gpuFinding(config: Config, running: ControlClient | null): Promise<Omit<Finding, 'check'>> {
  if (running !== null) {
    const { engine } = (await running.call('status', {})) as StatusView
    if (engine.backend !== null) return backendFinding(engine.backend, engine.devices)
  }
  const engine = new ProcessEngine({ gpu: config['engine.gpu'] === 'off' ? false : 'auto' })
  try {
    await engine.start()
    const { backend } = engine.status()
    return backendFinding(backend?.kind ?? 'cpu', backend?.devices ?? [])
  } finally {
    await engine.stop()
  }
}

function backendFinding(kind: string, devices: readonly string[]): Omit<Finding, 'check'> {
  return kind === 'cpu' ? ok('none found; models run on the CPU') : ok(`${kind}: ${devices.join(', ')}`)
}

/** Reads every file again: a digest that was remembered would prove nothing. */
async function modelsFinding(dataDir: DataDir, config: Config): Promise<Omit<Finding, 'check'>> {
  const catalog = new ModelCatalog({ modelsFolder: dataDir.models, cacheFolder: dataDir.engine })
  const installed = await catalog.installed()
  const missing: string[] = []
  for (const spec of config['models.serve']) {
    // What is not here yet is downloaded at the start; only what names a file must be there.
    if (/^(https?:|hf:)/.test(spec)) continue
    await catalog
      .resolve(spec)
      .catch((error: unknown) => missing.push(error instanceof Error ? error.message : spec))
  }
  if (missing.length > 0)
    return failed(missing.join('; '), 'Correct models.serve; shoal models lists what is here.')
  return ok(
    `${installed.length} files, their digests are right: ${installed.map(({ id }) => id.split('@')[0]).join(', ')}`,
  )
}

function failedBy(error: unknown): Omit<Finding, 'check'> {
  if (error instanceof ShoalError) return failed(error.message, error.fix)
  return failed(error instanceof Error ? error.message : String(error))
}

function ok(detail: string): Omit<Finding, 'check'> {
  return { state: 'ok', detail }
}
function warning(detail: string, fix: string): Omit<Finding, 'check'> {
  return { state: 'warning', detail, fix }
}
function skipped(detail: string, fix: string): Omit<Finding, 'check'> {
  return { state: 'skipped', detail, fix }
}
function failed(detail: string, fix?: string): Omit<Finding, 'check'> {
  return fix === undefined ? { state: 'failed', detail } : { state: 'failed', detail, fix }
}

const MARKS = {
  ok: ['green', '✓'],
  warning: ['yellow', '!'],
  failed: ['red', '✗'],
  skipped: ['dim', '-'],
} as const

/** A finding for people. */
export function describeFinding({ check, state, detail, fix }: Finding): string {
  const [colour, mark] = MARKS[state]
  return `${paint(colour, mark)} ${check.padEnd(13)} ${detail}${fix === undefined ? '' : `\n${' '.repeat(16)}${paint('yellow', 'Fix')} ${fix}`}`
}
