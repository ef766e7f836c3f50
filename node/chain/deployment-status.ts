import { encodeBytes32String } from 'ethers/abi'
import { ZeroAddress } from 'ethers/constants'
import { formatCredits } from '../../protocol/money.ts'
import type { KnownDeployment } from './addresses.ts'
import { ContractReader } from './contract-reader.ts'
import { CONTRACT_KEYS, CONTRACT_NAMES } from './contracts.ts'
import type { Eip1193Provider } from './deploy-signer.ts'

/** Amounts in decimal credits, times in seconds, points in time in seconds since the Unix epoch. */
export interface DeploymentStatus {
  chainId: number
  addresses: KnownDeployment['addresses']
  token: {
    supply: string
    genesisSupply: string
    epochSupply: string
    currentEpoch: number
    /** Of the epoch that ended last, what can still be minted. */
    mintableOfLastEpoch: string
  }
  stake: {
    total: string
    activeProviders: number
    /** Who ever became one. */
    listedValidators: number
    minimumStakes: { validator: string; provider: string; orchestrator: string }
    unbondingDelay: number
  }
  emission: { sharesBps: { providers: number; learners: number; treasury: number }; proposalBond: string }
  settlement: { closeDelay: number }
  court: {
    address: string
    /** A court that takes office later; null when none is announced. */
    announced: { address: string; applicableAt: number } | null
    jurySize: number
    bond: string
    challengeWindow: number
    responseWindow: number
    appealWindow: number
  }
  pause: { guardian: string | null; stakingUntil: number; settlementUntil: number }
  governance: {
    votingDelay: number
    votingPeriod: number
    proposalThreshold: string
    timelockDelay: number
    /** Votes that a proposal needs now. */
    quorum: string
  }
  versions: { name: string; version: string; address: string; published: number; isThisOne: boolean }[]
}

/** Reads how a deployment stands. @throws {ChainError} CHAIN_UNREACHABLE */
export async function readStatus(
  deployment: KnownDeployment,
  modules: { provider: Eip1193Provider },
): Promise<DeploymentStatus> {
  const { provider } = modules
  const reader = new ContractReader({ deployment }, { provider })
  const number = async (...what: Parameters<ContractReader['read']>) =>
    Number(await reader.read<bigint>(...what))
  const credits = async (...what: Parameters<ContractReader['read']>) =>
    formatCredits(await reader.read<bigint>(...what))
  const address = async (...what: Parameters<ContractReader['read']>) =>
    (await reader.read<string>(...what)).toLowerCase()

  const block = (await provider.request({
    method: 'eth_getBlockByNumber',
    params: ['latest', false],
  })) as { timestamp: string }
  const before = Number(block.timestamp) - 1
  const currentEpoch = await number('creditToken', 'currentEpoch')
  const [announcedCourt, applicableAt] = await reader.read<[string, bigint]>('staking', 'announcedCourt')
  const minimums = await reader.read<{ validator: bigint; provider: bigint; orchestrator: bigint }>(
    'staking',
    'minimumStakes',
  )
  const shares = await reader.read<{ providers: bigint; learners: bigint; treasury: bigint }>(
    'emission',
    'sharesOf',
    currentEpoch,
  )
  const version = await reader.read<bigint>('courtParameters', 'parametersVersion')
  const court = await reader.read<{
    bond: bigint
    jurySize: bigint
    challengeWindow: bigint
    responseWindow: bigint
    appealWindow: bigint
  }>('courtParameters', 'parametersAt', version)
  const guardian = await address('emergencyPause', 'guardian')
  return {
    chainId: deployment.chainId,
    addresses: deployment.addresses,
    token: {
      supply: await credits('creditToken', 'totalSupply'),
      genesisSupply: await credits('creditToken', 'genesisSupply'),
      epochSupply: await credits('creditToken', 'epochSupply'),
      currentEpoch,
      mintableOfLastEpoch:
        currentEpoch === 0 ? '0' : await credits('creditToken', 'mintable', currentEpoch - 1),
    },
    stake: {
      total: await credits('staking', 'getPastTotalSupply', before),
      activeProviders: await number('staking', 'activeProviders'),
      listedValidators: await number('staking', 'validatorCount'),
      minimumStakes: {
        validator: formatCredits(minimums.validator),
        provider: formatCredits(minimums.provider),
        orchestrator: formatCredits(minimums.orchestrator),
      },
      unbondingDelay: await number('staking', 'unbondingDelay'),
    },
    emission: {
      sharesBps: {
        providers: Number(shares.providers),
        learners: Number(shares.learners),
        treasury: Number(shares.treasury),
      },
      proposalBond: await credits('emission', 'proposalBond'),
    },
    settlement: { closeDelay: await number('settlement', 'closeDelay') },
    court: {
      address: await address('staking', 'court'),
      announced:
        announcedCourt === ZeroAddress
          ? null
          : { address: announcedCourt.toLowerCase(), applicableAt: Number(applicableAt) },
      jurySize: Number(court.jurySize),
      bond: formatCredits(court.bond),
      challengeWindow: Number(court.challengeWindow),
      responseWindow: Number(court.responseWindow),
      appealWindow: Number(court.appealWindow),
    },
    pause: {
      guardian: guardian === ZeroAddress ? null : guardian,
      stakingUntil: await number('staking', 'depositsPausedUntil'),
      settlementUntil: await number('settlement', 'depositsPausedUntil'),
    },
    governance: {
      votingDelay: await number('governor', 'votingDelay'),
      votingPeriod: await number('governor', 'votingPeriod'),
      proposalThreshold: await credits('governor', 'proposalThreshold'),
      timelockDelay: await number('timelock', 'getMinDelay'),
      quorum: await credits('governor', 'quorum', before),
    },
    versions: await readVersions(deployment, reader),
  }
}

async function readVersions(
  { addresses }: KnownDeployment,
  reader: ContractReader,
): Promise<DeploymentStatus['versions']> {
  const versions: DeploymentStatus['versions'] = []
  for (const key of CONTRACT_KEYS) {
    const name = encodeBytes32String(CONTRACT_NAMES[key])
    const published = Number(await reader.read<bigint>('contractRegistry', 'versionCount', name))
    if (published === 0) continue
    const latest = await reader.read<{ implementation: string; version: string }>(
      'contractRegistry',
      'latest',
      name,
    )
    const address = latest.implementation.toLowerCase()
    versions.push({
      name: CONTRACT_NAMES[key],
      version: latest.version,
      address,
      published,
      isThisOne: address === addresses[key],
    })
  }
  return versions
}
