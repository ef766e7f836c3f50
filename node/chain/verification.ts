import { encodeBytes32String } from 'ethers/abi'
import { ZeroHash } from 'ethers/constants'
import { id } from 'ethers/hash'
import type { Address } from '../../protocol/ids.ts'
import { artifacts } from './abi/bytecode/index.ts'
import type { KnownDeployment } from './addresses.ts'
import { ContractReader } from './contract-reader.ts'
import { CONTRACT_KEYS, CONTRACT_NAMES, type ContractKey } from './contracts.ts'
import type { Eip1193Provider } from './deploy-signer.ts'
import type { ArtifactName } from './deployment-plan.ts'
import { ChainError } from './errors.ts'

/** One thing about a deployment that is as it must be, or not. */
export interface Check {
  /** As `Staking code` or `Staking.owner`. */
  check: string
  ok: boolean
  /** What was found. */
  detail: string
  /** What to do; only when it is not ok. */
  fix?: string
}

const FOREIGN_CODE =
  'Do not use this contract: it is another program, or one of another version of Shoal. Check the address, and that this is the version it was deployed with.'
const WRONG_WIRING =
  'Unless governance decided so, this deployment is not safe to use. Ask whoever deployed it, or deploy anew.'
const ROLES = ['PROPOSER_ROLE', 'EXECUTOR_ROLE', 'CANCELLER_ROLE'] as const
const MAX_BLOCK_RANGE = 2_000

/**
 * Compares a deployment with what this version of Shoal would have deployed: the code of every contract, how they are
 * wired, and who has power over them.
 * @returns in a fixed order; the code first, and only that when it is not ours
 * @throws {ChainError} CHAIN_UNREACHABLE, CHAIN_ID_MISMATCH
 */
export async function verifyDeployment(
  deployment: KnownDeployment,
  modules: { provider: Eip1193Provider },
): Promise<Check[]> {
  const { provider } = modules
  const { addresses } = deployment
  const chainId = Number(await provider.request({ method: 'eth_chainId' }))
  if (chainId !== deployment.chainId) {
    throw new ChainError('CHAIN_ID_MISMATCH', `the chain is ${chainId}, not ${deployment.chainId}`, {
      fix: 'Point --rpc to the right chain, or correct the contracts file.',
      details: { expected: deployment.chainId, actual: chainId },
    })
  }
  const codes = await Promise.all(
    CONTRACT_KEYS.map(key => checkCode(CONTRACT_NAMES[key], addresses[key], provider)),
  )
  if (codes.some(({ ok }) => !ok)) return codes
  const reader = new ContractReader({ deployment }, { provider })
  const jury = (await reader.read<string>('court', 'jury')).toLowerCase()
  const wiring = await Promise.all(expectedWiring(addresses).map(expected => checkWiring(expected, reader)))
  return [
    ...codes,
    await checkCode('Jury', jury, provider),
    ...wiring,
    compare(
      'Jury.court',
      (await reader.readAt<string>('Jury', jury, 'court')).toLowerCase(),
      addresses.court,
    ),
    ...(await checkRoles(deployment, reader, provider)),
  ]
}

/** Whether the code at an address is ours, whatever its constructor filled in. */
async function checkCode(name: ArtifactName, address: Address, provider: Eip1193Provider): Promise<Check> {
  const code = (await provider.request({ method: 'eth_getCode', params: [address, 'latest'] })) as string
  const { runtimeBytecode, immutables } = artifacts[name]
  const ok = maskImmutables(code, immutables) === runtimeBytecode
  const detail = ok
    ? `${address} has this version's code`
    : `${address} has ${code === '0x' ? 'no code' : 'other code'}`
  return { check: `${name} code`, ok, detail, ...(ok ? {} : { fix: FOREIGN_CODE }) }
}

/** Puts zeros where the constructor wrote, as the compiler leaves them. */
export function maskImmutables(
  code: string,
  immutables: readonly { start: number; length: number }[],
): string {
  let masked = code.toLowerCase()
  for (const { start, length } of immutables) {
    const from = 2 + 2 * start
    const to = from + 2 * length
    if (masked.length < to) return masked
    masked = masked.slice(0, from) + '0'.repeat(2 * length) + masked.slice(to)
  }
  return masked
}

type Wiring = readonly [key: ContractKey, method: string, expected: string, ...args: unknown[]]

function expectedWiring(at: KnownDeployment['addresses']): Wiring[] {
  const published = CONTRACT_KEYS.filter(key => key !== 'contractRegistry').map(
    (key): Wiring => ['contractRegistry', 'latest', at[key], encodeBytes32String(CONTRACT_NAMES[key])],
  )
  return [
    ['creditToken', 'emission', at.emission],
    ['staking', 'creditToken', at.creditToken],
    ['staking', 'court', at.court],
    ['staking', 'pauser', at.emergencyPause],
    ['staking', 'owner', at.timelock],
    ['nodeRegistry', 'staking', at.staking],
    ['nodeRegistry', 'owner', at.timelock],
    ['settlement', 'creditToken', at.creditToken],
    ['settlement', 'staking', at.staking],
    ['settlement', 'pauser', at.emergencyPause],
    ['emission', 'creditToken', at.creditToken],
    ['emission', 'staking', at.staking],
    ['emission', 'owner', at.timelock],
    ['emission', 'treasury', at.timelock],
    ['courtParameters', 'staking', at.staking],
    ['courtParameters', 'owner', at.timelock],
    ['court', 'parameters', at.courtParameters],
    ['court', 'staking', at.staking],
    ['court', 'creditToken', at.creditToken],
    ['court', 'settlement', at.settlement],
    ['court', 'auditAnchor', at.auditAnchor],
    ['governor', 'token', at.staking],
    ['governor', 'timelock', at.timelock],
    ['emergencyPause', 'owner', at.timelock],
    ['emergencyPause', 'targets', [at.staking, at.settlement].join(', ')],
    ['contractRegistry', 'owner', at.timelock],
    ...published,
  ]
}

async function checkWiring([key, method, expected, ...args]: Wiring, reader: ContractReader): Promise<Check> {
  const value = await reader.read<string | string[]>(key, method, ...args)
  const isVersion = method === 'latest'
  const found = isVersion ? value[0]! : Array.isArray(value) ? [...value].join(', ') : (value as string)
  const of = isVersion
    ? `(${Buffer.from(String(args[0]).slice(2), 'hex').toString().replace(/\0+$/, '')})`
    : ''
  return compare(`${CONTRACT_NAMES[key]}.${method}${of}`, found.toLowerCase(), expected)
}

function compare(check: string, found: string, expected: string): Check {
  const ok = found === expected
  return ok
    ? { check, ok, detail: found }
    : { check, ok, detail: `${found}, not ${expected}`, fix: WRONG_WIRING }
}

/** Who can do what in the timelock, from all that was ever granted or revoked there. */
async function checkRoles(
  deployment: KnownDeployment,
  reader: ContractReader,
  provider: Eip1193Provider,
): Promise<Check[]> {
  const { timelock, governor } = deployment.addresses
  const abi = reader.interfaceOf('Timelock')
  const topics = ['RoleGranted', 'RoleRevoked'].map(name => abi.getEvent(name)!.topicHash)
  const logs = await logsSince(
    { address: timelock, topics: [topics], fromBlock: deployment.deploymentBlock },
    provider,
  )
  const holders = new Map<string, Set<string>>()
  for (const log of logs) {
    const { name, args } = abi.parseLog(log)!
    const accounts = holders.get(args.role as string) ?? new Set()
    holders.set(args.role as string, accounts)
    accounts[name === 'RoleGranted' ? 'add' : 'delete']((args.account as string).toLowerCase())
  }
  const expected = new Map([[ZeroHash, timelock], ...ROLES.map(role => [id(role), governor] as const)])
  const names = new Map([[ZeroHash, 'DEFAULT_ADMIN_ROLE'], ...ROLES.map(role => [id(role), role] as const)])
  const unknown = [...holders].filter(([role, accounts]) => !expected.has(role) && accounts.size > 0)
  return [
    ...[...expected].map(([role, only]) =>
      compare(
        `Timelock ${names.get(role)}`,
        [...(holders.get(role) ?? [])].sort().join(', ') || 'nobody',
        only,
      ),
    ),
    compare('Timelock other roles', unknown.map(([role]) => role).join(', ') || 'none', 'none'),
  ]
}

interface RawLog {
  topics: string[]
  data: string
}

/** In one request where the chain allows that, else in ranges that all do. */
async function logsSince(
  filter: { address: string; topics: unknown[]; fromBlock: number },
  provider: Eip1193Provider,
): Promise<RawLog[]> {
  const head = Number(await provider.request({ method: 'eth_blockNumber' }))
  const { fromBlock, ...rest } = filter
  const ask = async (from: number, to: number) =>
    (await provider.request({
      method: 'eth_getLogs',
      params: [{ ...rest, fromBlock: `0x${from.toString(16)}`, toBlock: `0x${to.toString(16)}` }],
    })) as RawLog[]
  try {
    return await ask(fromBlock, head)
  } catch (error) {
    if (error instanceof ChainError || head - fromBlock < MAX_BLOCK_RANGE) throw error
    const logs: RawLog[] = []
    for (let from = fromBlock; from <= head; from += MAX_BLOCK_RANGE)
      logs.push(...(await ask(from, Math.min(head, from + MAX_BLOCK_RANGE - 1))))
    return logs
  }
}
