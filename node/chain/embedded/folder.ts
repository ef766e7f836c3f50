import { mkdir, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { EdrContext } from '@nomicfoundation/edr'
import { contractsDigest } from '../abi/digest.ts'
import type { KnownDeployment } from '../addresses.ts'
import type { EncodedParameters } from '../deployment-parameters.ts'
import { JournaledChain } from './chain.ts'
import { createDeployerKey, type DeployerKey, readDeployerKey } from './deployer-key.ts'
import { EmbeddedChainError } from './errors.ts'
import { Evm } from './evm.ts'
import { FolderLock } from './folder-lock.ts'
import { type GenesisRecord, Journal } from './journal.ts'
import { evmGenesis, Replay, type Replayed } from './replay.ts'

export interface ChainFolderOptions {
  folder: string
  /** For a new chain, and checked against the one that is there. */
  chainId: number
  deployment: EncodedParameters
}

export interface ChainFolderModules {
  runtime: EdrContext
  /** Milliseconds since the Unix epoch. */
  now: () => number
  onProgress?: (transactions: number) => void
}

/** A chain as it lies in a folder, opened. */
export interface OpenedChain {
  chain: JournaledChain
  deployment: KnownDeployment
  deployerKey: string
  replayedTransactions: number
  /** Closes the journal and lets the folder go. */
  close(): Promise<void>
}

/** Fixed for a chain's life by its first record: what EDR calls its newest must not change old blocks. */
const HARDFORK = 'osaka'
const BLOCK_GAS_LIMIT = 60_000_000n
const BASE_FEE_PER_GAS = 10n ** 9n
const DEPLOYER_BALANCE = 10n ** 27n

/**
 * Opens the chain in a folder, or begins one: a random deployer, the contracts, and nothing else.
 *
 * A first start that was cut off before the contracts were there is begun anew: nobody has been served yet.
 * @throws {EmbeddedChainError}
 */
export async function openChainFolder(
  options: ChainFolderOptions,
  modules: ChainFolderModules,
): Promise<OpenedChain> {
  const { folder } = options
  const lock = await lockFolder(folder)
  let journal: Journal | undefined
  try {
    const path = join(folder, 'journal')
    const replay = new Replay({ journal: path }, modules)
    journal = await Journal.open(path, entry => replay.visit(entry))
    const replayed = await replay.finish()
    if (replayed?.refusedOffset !== undefined) await journal.dropFrom(replayed.refusedOffset)
    const opened =
      replayed?.deployment === undefined
        ? await begin(options, modules, journal)
        : await resume(options, modules, journal, replayed)
    return {
      ...opened,
      replayedTransactions: replayed?.deployment === undefined ? 0 : replayed.transactions,
      close: async () => {
        await opened.chain.close()
        await lock.release()
      },
    }
  } catch (error) {
    await journal?.close()
    await lock.release()
    throw error
  }
}

async function lockFolder(folder: string): Promise<FolderLock> {
  let lock: FolderLock | undefined
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    lock = await FolderLock.acquire(join(folder, 'lock'))
  } catch (cause) {
    throw new EmbeddedChainError(
      'CHAIN_FOLDER_UNUSABLE',
      `The chain's folder ${folder} cannot be used: ${(cause as Error).message}`,
      { fix: 'Make it a folder that you can write to, or choose another one.', details: { folder }, cause },
    )
  }
  if (lock !== undefined) return lock
  const rpcUrl = await readRpcUrl(folder)
  throw new EmbeddedChainError('CHAIN_FOLDER_IN_USE', `Another process runs the chain in ${folder}.`, {
    fix:
      rpcUrl === undefined
        ? 'Stop it, or choose another folder.'
        : `Use that chain at ${rpcUrl}, stop it, or choose another folder.`,
    details: { folder, ...(rpcUrl === undefined ? {} : { rpcUrl }) },
  })
}

type Opened = Pick<OpenedChain, 'chain' | 'deployment' | 'deployerKey'>

async function begin(
  { folder, chainId, deployment: parameters }: ChainFolderOptions,
  { runtime, now }: ChainFolderModules,
  journal: Journal,
): Promise<Opened> {
  const keyPath = join(folder, 'deployer.key')
  const key = (await readDeployerKey(keyPath)) ?? (await createDeployerKey(keyPath))
  const genesis: GenesisRecord = {
    type: 'genesis',
    version: 1,
    chainId,
    hardfork: HARDFORK,
    timestamp: Math.floor(now() / 1_000),
    blockGasLimit: String(BLOCK_GAS_LIMIT),
    baseFeePerGas: String(BASE_FEE_PER_GAS),
    deployer: key.address,
    deployerBalance: String(DEPLOYER_BALANCE),
  }
  await journal.dropFrom(0)
  await journal.append(genesis)
  await syncFolder(folder)
  const evm = await Evm.create(evmGenesis(genesis), { runtime })
  const chain = new JournaledChain({ head: (await evm.block('latest'))! }, { evm, journal, now })
  const deployment = await deployOn(chain, key, parameters)
  await chain.recordDeployment({ deployment, contractsDigest })
  return { chain, deployment, deployerKey: key.privateKey }
}

async function resume(
  { folder, chainId }: ChainFolderOptions,
  { now }: ChainFolderModules,
  journal: Journal,
  { evm, head, genesis, deployment }: Replayed,
): Promise<Opened> {
  if (genesis.chainId !== chainId) {
    throw new EmbeddedChainError(
      'CHAIN_ID_MISMATCH',
      `The chain in ${folder} has the id ${genesis.chainId}, not ${chainId}.`,
      { fix: `Ask for chain id ${genesis.chainId}, or choose another folder.`, details: { folder } },
    )
  }
  if (deployment!.contractsDigest !== contractsDigest) {
    throw new EmbeddedChainError(
      'CHAIN_CONTRACTS_CHANGED',
      `The chain in ${folder} has contracts of another version of Shoal.`,
      { fix: 'Use that version, or move the folder away to begin a new chain.', details: { folder } },
    )
  }
  const key = await readDeployerKey(join(folder, 'deployer.key'))
  if (key?.address !== genesis.deployer) {
    throw new EmbeddedChainError(
      'CHAIN_KEY_MISSING',
      `${join(folder, 'deployer.key')} is not the key of ${genesis.deployer}, which the chain began with.`,
      { fix: 'Restore the file, or move the folder away to begin a new chain.', details: { folder } },
    )
  }
  const chain = new JournaledChain({ head }, { evm, journal, now })
  return { chain, deployment: deployment!.deployment, deployerKey: key.privateKey }
}

/** What this needs is loaded only for this: a chain that has its contracts starts without it. */
async function deployOn(
  chain: JournaledChain,
  key: DeployerKey,
  parameters: EncodedParameters,
): Promise<KnownDeployment> {
  const { deployOnNewChain } = await import('./deployment.ts')
  try {
    return await deployOnNewChain({ parameters, privateKey: key.privateKey }, { chain })
  } catch (cause) {
    throw new EmbeddedChainError(
      'CHAIN_DEPLOYMENT_FAILED',
      `The new chain's contracts could not be deployed: ${(cause as Error).message}`,
      { fix: 'Correct the deployment parameters and start again.', cause },
    )
  }
}

/** Makes a new file's entry in the folder durable; some systems cannot and need not. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined)
  await handle?.sync().catch(() => {})
  await handle?.close()
}

/** @returns where the folder's chain was served last */
export async function readRpcUrl(folder: string): Promise<string | undefined> {
  const text = await readFile(join(folder, 'rpc-url'), 'utf8').catch(() => '')
  return /^http:\/\/127\.0\.0\.1:\d+\n$/.test(text) ? text.trim() : undefined
}
