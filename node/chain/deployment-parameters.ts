import { z } from 'zod'
import localParameters from '../../contracts/ignition/parameters/local.json' with { type: 'json' }
import mainnetParameters from '../../contracts/ignition/parameters/mainnet.json' with { type: 'json' }
import testnetParameters from '../../contracts/ignition/parameters/testnet.json' with { type: 'json' }
import { ADDRESS_PATTERN } from '../../protocol/ids.ts'

/** Networks that `contracts/ignition/parameters` has a file for. */
export const NETWORKS = ['local', 'testnet', 'mainnet'] as const
export type NetworkName = (typeof NETWORKS)[number]

const FILES: Readonly<Record<NetworkName, unknown>> = {
  local: localParameters,
  testnet: testnetParameters,
  mainnet: mainnetParameters,
}

/** Base units; in a file as Ignition has them, `"1000n"`. */
const amount = z
  .string()
  .regex(/^\d+n$/)
  .transform(text => BigInt(text.slice(0, -1)))
const seconds = z.int().min(0)
const basisPoints = z.int().min(0).max(10_000)
const address = z.string().regex(ADDRESS_PATTERN)

const parametersSchema = z.strictObject({
  /** Minted at once. */
  genesisSupply: amount,
  /** Who gets the genesis supply; default the deploying account. */
  genesisRecipient: address.optional(),
  /** Most that is minted for an epoch. */
  epochSupply: amount,
  /** Who can pause deposits beside governance; default nobody. */
  guardian: address.optional(),
  closeDelay: seconds,
  minUnbondingDelay: seconds,
  unbondingDelay: seconds,
  minimumStakes: z.strictObject({ validator: amount, provider: amount, orchestrator: amount }),
  minHistorySeconds: seconds,
  historySeconds: seconds,
  timelockDelay: seconds,
  votingDelay: seconds,
  votingPeriod: seconds,
  /** Stake it takes to propose. */
  proposalThreshold: amount,
  /** Votes for a proposal that it needs whatever is staked. */
  minQuorum: amount,
  emissionChallengeWindow: seconds,
  emissionResolveWindow: seconds,
  emissionProposalBond: amount,
  court: z.strictObject({
    bond: amount,
    jurorBond: amount,
    /** Blocks. */
    drawDelay: z.int().min(0),
    bountyBps: basisPoints,
    jurySize: z.int().min(0).max(255),
    jurorFee: amount,
    weightCap: amount,
    challengeWindow: seconds,
    responseWindow: seconds,
    drawPeriod: seconds,
    commitPeriod: seconds,
    revealPeriod: seconds,
    appealWindow: seconds,
  }),
  /** In the order of the kinds of fault: equivocation, voucher, tickets, unpaid, output. */
  courtPenalties: z
    .array(z.strictObject({ first: basisPoints, second: basisPoints, further: basisPoints }))
    .length(5),
  emissionShares: z.strictObject({ providers: basisPoints, learners: basisPoints, treasury: basisPoints }),
})

/** What the contracts are made with; amounts in base units, times in seconds. */
export type DeploymentParameters = z.infer<typeof parametersSchema>

/** Parameters as a file or a message has them: amounts as `"1000n"`. */
export type EncodedParameters = z.input<typeof parametersSchema>

/** The parameters of a network's file. */
export function networkParameters(network: NetworkName): DeploymentParameters {
  return parseParameters((FILES[network] as { Shoal: unknown }).Shoal)
}

/** @throws {z.ZodError} */
export function parseParameters(encoded: unknown): DeploymentParameters {
  return parametersSchema.parse(encoded)
}

export function encodeParameters(parameters: DeploymentParameters): EncodedParameters {
  const encode = (value: unknown): unknown => {
    if (typeof value === 'bigint') return `${value}n`
    if (Array.isArray(value)) return value.map(encode)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, encode(member)]))
  }
  return encode(parameters) as EncodedParameters
}
