// biome-ignore-all lint/style/noRestrictedImports: the deployment is where Ignition is used
import {
  type Artifact,
  type ArtifactResolver,
  type DeploymentResult,
  DeploymentResultType,
  deploy,
  listTransactions,
} from '@nomicfoundation/ignition-core'
import shoalModule from '../../contracts/ignition/modules/Shoal.ts'
import { ShoalError } from '../../protocol/errors.ts'
import { artifacts } from './abi/bytecode/index.ts'
import type { ContractAddresses, KnownDeployment } from './addresses.ts'
import { CONTRACT_NAMES } from './contracts.ts'
import { recoverLostTransaction } from './deploy-recovery.ts'
import { type Eip1193Provider, recordingProvider, signingProvider } from './deploy-signer.ts'
import type { DeploymentParameters } from './deployment-parameters.ts'

export interface DeployOptions {
  parameters: DeploymentParameters
  /** Where Ignition writes what it did. Deploying again with the same folder goes on where it stopped. */
  journalDir?: string
  /** Blocks a transaction must be deep, its own included. Default 1. */
  confirmations?: number
  /** Between looks for a new block. Default 1,000. */
  pollIntervalMs?: number
  /** Key of the deploying account, in hex. Without it the chain's first unlocked account deploys. */
  privateKey?: string
}

export interface DeployModules {
  /** Of any EVM chain. */
  provider: Eip1193Provider
}

export type DeploymentErrorCode =
  /** The deploying account has no gas money. */
  | 'DEPLOYMENT_WALLET_EMPTY'
  /** No key was given and the chain has no unlocked account. */
  | 'DEPLOYMENT_NO_ACCOUNT'
  /** The journal is of another chain, or of other contracts or parameters. */
  | 'DEPLOYMENT_JOURNAL_MISMATCH'
  /** A transaction of an earlier try has not been mined yet. */
  | 'DEPLOYMENT_PENDING'
  /** The chain refused or reverted a transaction. */
  | 'DEPLOYMENT_FAILED'

export class DeploymentError extends ShoalError<DeploymentErrorCode> {
  override readonly name = 'DeploymentError'
}

/** Ignition's number for a transaction it meant to send and does not know the fate of. */
const IGNITION_TRANSACTION_LOST = 10410
const MAX_RECOVERIES = 8

/**
 * Deploys Shoal's contracts with Hardhat Ignition from the committed bytecode; no compiler is needed.
 * @throws {DeploymentError}
 */
export async function deployContracts(
  options: DeployOptions,
  modules: DeployModules,
): Promise<KnownDeployment> {
  const { journalDir, confirmations = 1 } = options
  const signing =
    options.privateKey === undefined
      ? modules.provider
      : signingProvider(options.privateKey, modules.provider)
  const { provider, sentHashes } = recordingProvider(signing)
  const account = await deployingAccount(provider)
  const run = () =>
    deploy({
      artifactResolver,
      provider,
      ignitionModule: shoalModule,
      deploymentParameters: { Shoal: { ...options.parameters } },
      accounts: [account],
      config: { requiredConfirmations: confirmations, blockPollingInterval: options.pollIntervalMs ?? 1_000 },
      ...(journalDir === undefined ? {} : { deploymentDir: journalDir }),
    })
  const result = await runAndRecover(run, { provider, journalDir, confirmations })
  const contracts = successful(result, journalDir)
  const hashes =
    journalDir === undefined
      ? sentHashes
      : (await listTransactions(journalDir, artifactResolver)).map(({ txHash }) => txHash)
  return {
    chainId: Number(await provider.request({ method: 'eth_chainId' })),
    addresses: Object.fromEntries(
      Object.entries(CONTRACT_NAMES).map(([key, name]) => [key, addressOf(contracts, name)]),
    ) as ContractAddresses,
    deploymentBlock: await firstBlock(hashes, provider),
  }
}

/** Contracts as Ignition takes them, from the generated files. */
const artifactResolver: ArtifactResolver = {
  loadArtifact(name) {
    const contract = name in artifacts ? artifacts[name as keyof typeof artifacts] : undefined
    if (contract === undefined) return Promise.reject(new Error(`no contract is called ${name}`))
    const artifact: Artifact = {
      _format: 'hh3-artifact-1',
      contractName: name,
      sourceName: contract.sourceName,
      abi: contract.abi,
      bytecode: contract.bytecode,
      deployedBytecode: '0x',
      linkReferences: {},
      deployedLinkReferences: {},
    }
    return Promise.resolve(artifact)
  },
  getBuildInfo: () => Promise.resolve(undefined),
}

async function deployingAccount(provider: Eip1193Provider): Promise<string> {
  const [account] = (await provider.request({ method: 'eth_accounts' })) as string[]
  if (account === undefined) {
    throw new DeploymentError('DEPLOYMENT_NO_ACCOUNT', 'The chain has no unlocked account to deploy from.', {
      fix: 'Give the key of the account that is to deploy.',
    })
  }
  const balance = (await provider.request({
    method: 'eth_getBalance',
    params: [account, 'latest'],
  })) as string
  if (BigInt(balance) === 0n) {
    throw new DeploymentError(
      'DEPLOYMENT_WALLET_EMPTY',
      `The deploying account ${account} has no gas money.`,
      {
        fix: `Send some of the chain's currency to ${account} and deploy again.`,
        details: { account },
      },
    )
  }
  return account
}

/** A crash between sending a transaction and writing its hash down is found out about and put right. */
async function runAndRecover(
  run: () => Promise<DeploymentResult>,
  context: { provider: Eip1193Provider; journalDir: string | undefined; confirmations: number },
): Promise<DeploymentResult> {
  for (let recoveries = 0; ; recoveries++) {
    try {
      return await run()
    } catch (error) {
      const lost = lostTransaction(error)
      if (lost === undefined || context.journalDir === undefined || recoveries === MAX_RECOVERIES) {
        throw deploymentFailed((error as Error).message, context.journalDir, error)
      }
      const outcome = await recoverLostTransaction(lost, {
        provider: context.provider,
        journalDir: context.journalDir,
        confirmations: context.confirmations,
        artifactResolver,
      })
      if (outcome === 'pending') {
        throw new DeploymentError(
          'DEPLOYMENT_PENDING',
          `Transaction ${lost.nonce} of ${lost.sender}, sent by an earlier try, has not been mined yet.`,
          {
            fix: 'Deploy again once it has been.',
            details: { sender: lost.sender, nonce: lost.nonce },
            cause: error,
          },
        )
      }
    }
  }
}

function lostTransaction(error: unknown): { futureId: string; nonce: number; sender: string } | undefined {
  const { number, messageArguments } = error as { number?: unknown; messageArguments?: unknown }
  if (number !== IGNITION_TRANSACTION_LOST) return undefined
  return messageArguments as { futureId: string; nonce: number; sender: string }
}

type Contracts = Readonly<Record<string, { contractName: string; address: string }>>

function successful(result: DeploymentResult, journalDir: string | undefined): Contracts {
  switch (result.type) {
    case DeploymentResultType.SUCCESSFUL_DEPLOYMENT:
      return result.contracts
    case DeploymentResultType.EXECUTION_ERROR: {
      const failures = result.failed.map(({ futureId, error }) => `${futureId}: ${error}`)
      const timeouts = result.timedOut.map(({ futureId }) => `${futureId}: not mined in time`)
      throw deploymentFailed([...failures, ...timeouts].join('; '), journalDir)
    }
    case DeploymentResultType.RECONCILIATION_ERROR:
      throw new DeploymentError(
        'DEPLOYMENT_JOURNAL_MISMATCH',
        `The deployment journal is of other contracts or parameters: ${allErrors(result.errors)}`,
        {
          fix: `Use the parameters of the first try, or another journal folder than ${journalDir}.`,
        },
      )
    case DeploymentResultType.PREVIOUS_RUN_ERROR:
    case DeploymentResultType.VALIDATION_ERROR:
      throw deploymentFailed(allErrors(result.errors), journalDir)
  }
}

function allErrors(errors: Readonly<Record<string, readonly string[]>>): string {
  return Object.entries(errors)
    .map(([futureId, messages]) => `${futureId}: ${messages.join(', ')}`)
    .join('; ')
}

function deploymentFailed(reason: string, journalDir: string | undefined, cause?: unknown): DeploymentError {
  return new DeploymentError('DEPLOYMENT_FAILED', `The contracts could not be deployed: ${reason}`, {
    fix:
      journalDir === undefined
        ? 'Put the reason right and deploy again.'
        : `Put the reason right and deploy again; if it stays, move ${journalDir} away to begin anew.`,
    ...(cause === undefined ? {} : { cause }),
  })
}

function addressOf(contracts: Contracts, name: string): string {
  const contract = Object.values(contracts).find(({ contractName }) => contractName === name)
  if (contract === undefined) throw new Error(`Ignition left out ${name}`)
  return contract.address.toLowerCase()
}

async function firstBlock(hashes: readonly string[], provider: Eip1193Provider): Promise<number> {
  let first = Number.POSITIVE_INFINITY
  for (const hash of hashes) {
    const receipt = await provider.request({ method: 'eth_getTransactionReceipt', params: [hash] })
    if (receipt !== null) first = Math.min(first, Number((receipt as { blockNumber: string }).blockNumber))
  }
  return first
}
