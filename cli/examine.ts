import { constants } from 'node:fs'
import { access, stat, statfs } from 'node:fs/promises'
import { arch, cpus, platform, totalmem } from 'node:os'
import { basename, dirname } from 'node:path'
import { ProcessEngine } from '../inference/llama/process-engine.ts'
import type { ModelCatalog } from '../inference/models/catalog.ts'
import { readDeploymentFile } from '../node/chain/addresses.ts'
import { ChainClient } from '../node/chain/client.ts'
import type { Config } from '../node/config/settings.ts'
import type { DataDir } from '../node/data-dir.ts'
import type { ControlClient } from '../node/gateway/control-client.ts'
import type { ModelsView, StatusView, WalletView } from '../node/gateway/views.ts'
import { openCatalog } from '../node/model-catalog.ts'
import { assertPortsFree } from '../node/p2p/ports.ts'
import { guessScope } from '../node/p2p/scope.ts'
import { keystoreAddress, openWallet } from '../node/payments/wallet.ts'
import { parseCredits } from '../protocol/money.ts'
import { expectedError } from './expected-error.ts'
import { paint } from './ui/output.ts'
import { count, readableBytes, readableCredits } from './ui/readable.ts'
import { exists, findPassword } from './wallet-password.ts'

/** One thing that was looked at. `skipped` says nothing is known; `warning` that it works, but. */
export interface Finding {
  check: string
  state: 'ok' | 'warning' | 'failed' | 'skipped'
  detail: string
  fix?: string
}

const MIN_FREE_BYTES = 1_000_000_000
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
  await look('Folder', () => folderFinding(dataDir))
  await look('Disk', () => diskFinding(dataDir))
  await look('Keys', () => keysFinding(dataDir, config, running))
  await look('Ports', () => portsFinding(config, running))
  await look('Reachability', () => reachabilityFinding(config, running))
  await look('Chain', () => chainFinding(config, running))
  await look('Balance', () => balanceFinding(running))
  await look('GPU', () => gpuFinding(config, running))
  await look('Models', () => modelsFinding(dataDir, config, running))
  return findings
}

function programFinding(): Omit<Finding, 'check'> {
  const memoryGiB = Math.round(totalmem() / 2 ** 30)
  return ok(`Node.js ${process.version} on ${platform()} ${arch()}, ${cpus().length} cores, ${memoryGiB} GiB`)
}

async function folderFinding({ root }: DataDir): Promise<Omit<Finding, 'check'>> {
  const found = await stat(root).catch(() => null)
  if (found === null) return warning(`${root} is not there yet`, 'Run shoal init; shoal up makes it, too.')
  if (!found.isDirectory()) return failed(`${root} is no folder`, 'Use another one with --data.')
  try {
    await access(root, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch {
    return failed(`${root} may not be written by this user`, 'Check its owner and permissions.')
  }
  if (process.platform !== 'win32' && (found.mode & 0o077) !== 0)
    return warning(`${root} is open to other users`, `Keep it to yourself: chmod 700 ${root}`)
  return ok(root)
}

async function diskFinding(dataDir: DataDir): Promise<Omit<Finding, 'check'>> {
  let folder = dataDir.root
  while (!(await exists(folder))) folder = dirname(folder)
  const { bavail, bsize } = await statfs(folder)
  const free = bavail * bsize
  const detail = `${readableBytes(free)} free at ${folder}`
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
      `${count(status.peers, 'peer')}, but nobody can dial this node`,
      'Forward the ports of p2p.listen, and name your address with --announce.',
    )
  }
  if (status.peers === 0)
    return warning(
      'no peers yet',
      'Name a node to join by with --bootstrap; on a local network they find each other.',
    )
  return ok(`${count(status.peers, 'peer')}, ${count(status.offers, 'offer')} known`)
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
  const { credits, settlementCredits, gas } = wallet
  const detail = `${readableCredits(credits)} credits, ${readableCredits(settlementCredits)} in Settlement, ${readableCredits(gas)} of the chain's own coin for gas`
  const isPoor = parseCredits(gas) < MIN_GAS_WEI
  if (isPoor)
    return failed(
      detail,
      `Send some of the chain's own coin to ${wallet.address}: without it nothing can be claimed or opened.`,
    )
  if (parseCredits(credits) + parseCredits(settlementCredits) === 0n) {
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
async function modelsFinding(
  dataDir: DataDir,
  config: Config,
  running: ControlClient | null,
): Promise<Omit<Finding, 'check'>> {
  const catalog = openCatalog(dataDir, config)
  const problems =
    running === null ? await unresolved(config['models.serve'], catalog) : await notServed(running)
  if (problems.length > 0)
    return failed(problems.join('; '), 'Name another with --model; shoal models lists what is here.')
  const files = await catalog.verify()
  const changed = files.filter(({ isIntact }) => !isIntact)
  if (changed.length > 0) {
    return failed(
      `${changed.map(({ path }) => path).join(', ')} changed, though size and time did not`,
      'Delete what you did not change yourself, and get it again; then start the node anew.',
    )
  }
  return ok(
    files.length === 0
      ? 'none on this machine'
      : `${count(files.length, 'file')}, read and digested: ${files.map(({ path }) => basename(path)).join(', ')}`,
  )
}

/** What the node was to offer and could not load. */
async function notServed(running: ControlClient): Promise<string[]> {
  const { served } = (await running.call('models', {})) as ModelsView
  return served.flatMap(({ spec, state, error }) => (state === 'failed' ? [`${spec}: ${error}`] : []))
}

/** What a node could not load if it started now. */
async function unresolved(specs: readonly string[], catalog: ModelCatalog): Promise<string[]> {
  const problems: string[] = []
  for (const spec of specs) {
    // What is not here yet is downloaded at the start; only what names a file must be there.
    if (/^(https?:|hf:)/.test(spec)) continue
    await catalog
      .resolve(spec)
      .catch((error: unknown) => problems.push(error instanceof Error ? error.message : spec))
  }
  return problems
}

function failedBy(error: unknown): Omit<Finding, 'check'> {
  const expected = expectedError(error)
  if (expected !== null) return failed(expected.message, expected.fix)
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
