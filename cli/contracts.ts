import { readFile, writeFile } from 'node:fs/promises'
import ms from 'ms'
import { type KnownDeployment, readDeploymentFile } from '../node/chain/addresses.ts'
import { askDeployment } from '../node/chain/client.ts'
import { deployContracts } from '../node/chain/deploy.ts'
import {
  type DeploymentParameters,
  encodeParameters,
  networkParameters,
  parseParameters,
} from '../node/chain/deployment-parameters.ts'
import { planDeployment } from '../node/chain/deployment-plan.ts'
import { type DeploymentStatus, readStatus } from '../node/chain/deployment-status.ts'
import { type DryRun, dryRunDeployment } from '../node/chain/dry-run.ts'
import { httpProvider } from '../node/chain/http-provider.ts'
import { type Check, verifyDeployment } from '../node/chain/verification.ts'
import { formatCredits } from '../protocol/money.ts'
import type { DeployCommandOptions, DeployedOptions } from './commands/contracts.ts'
import { usageError } from './context.ts'
import { EXIT } from './exit-codes.ts'
import { readKeyFile } from './key-file.ts'
import { type Output, paint, properties, shortHex, table } from './ui/output.ts'
import { count, inCredits, readableTime } from './ui/readable.ts'

/** Deploys, or says what it would do. */
export async function deployCommand(options: DeployCommandOptions, output: Output): Promise<void> {
  const parameters = await parametersFrom(options)
  const privateKey = options.keyFile === undefined ? null : await readKeyFile(options.keyFile)
  const account = { parameters, ...(privateKey === null ? {} : { privateKey }) }
  const provider = httpProvider(options.rpc)
  if (options.dryRun === true) {
    const dryRun = await dryRunDeployment(account, { provider })
    if (dryRun.checks.some(({ ok }) => !ok)) process.exitCode = EXIT.failed
    output.result(jsonable({ ...dryRun, parameters: encodeParameters(parameters) }), () =>
      describeDryRun(dryRun),
    )
    return
  }
  const total = planDeployment({ parameters, account: `0x${'0'.repeat(40)}`, nonce: 0 }).transactions.length
  let sent = 0
  const deployment = await deployContracts(
    {
      ...account,
      confirmations: options.confirmations,
      ...(options.journal === undefined ? {} : { journalDir: options.journal }),
    },
    { provider, onSent: hash => output.note(`Sent ${++sent} of ${total} transactions: ${hash}`) },
  )
  await writeFile(options.out, `${JSON.stringify(deployment, null, 2)}\n`)
  output.result({ ...deployment, file: options.out }, () =>
    output.copyable(
      `${paint('green', '✓')} Deployed on chain ${deployment.chainId}; the addresses are in ${options.out}.\n` +
        `  shoal contracts verify --rpc ${options.rpc} --contracts ${options.out}\n` +
        `  shoal up --rpc ${options.rpc} --contracts ${options.out}`,
    ),
  )
}

/** Prints a line for each thing that has to be as we would have deployed it. */
export async function verifyCommand(options: DeployedOptions, output: Output): Promise<void> {
  const { deployment, provider } = await deployed(options)
  const checks = await verifyDeployment(deployment, { provider })
  const bad = checks.filter(({ ok }) => !ok).length
  if (bad > 0) process.exitCode = EXIT.failed
  output.result({ ok: bad === 0, chainId: deployment.chainId, checks }, () =>
    [
      ...checks.map(describeCheck),
      '',
      bad === 0
        ? `${paint('green', '✓')} ${count(checks.length, 'check')}: code, wiring and owners are as they must be.`
        : `${paint('red', '✗')} ${count(bad, 'check')} of ${checks.length} failed.`,
    ].join('\n'),
  )
}

/** Prints how the contracts stand. */
export async function statusCommand(options: DeployedOptions, output: Output): Promise<void> {
  const { deployment, provider } = await deployed(options)
  const status = await readStatus(deployment, { provider })
  output.result(status, () => describeStatus(status, output.columns))
}

async function deployed(
  options: DeployedOptions,
): Promise<{ deployment: KnownDeployment; provider: ReturnType<typeof httpProvider> }> {
  const provider = httpProvider(options.rpc)
  const chainId = Number(await provider.request({ method: 'eth_chainId' }))
  const deployment =
    options.contracts === undefined
      ? await askDeployment(options.rpc, chainId)
      : await readDeploymentFile(options.contracts)
  return { deployment, provider }
}

async function parametersFrom(options: DeployCommandOptions): Promise<DeploymentParameters> {
  const ofNetwork = networkParameters(options.network)
  if (options.parameters === undefined) return ofNetwork
  try {
    const given = JSON.parse(await readFile(options.parameters, 'utf8')) as object
    return parseParameters({ ...encodeParameters(ofNetwork), ...given })
  } catch (cause) {
    const { issues } = cause as { issues?: { path: PropertyKey[]; message: string }[] }
    const why =
      issues === undefined
        ? (cause as Error).message
        : issues.map(({ path, message }) => `${path.join('.') || 'file'}: ${message}`).join('; ')
    throw usageError(
      `the parameters in ${options.parameters} cannot be taken: ${why}`,
      'Amounts are base units as "1000n", times are whole seconds, addresses lower-case hex with 0x.',
    )
  }
}

function describeCheck({ check, ok, detail, fix }: Check): string {
  const line = `${ok ? paint('green', 'ok ') : paint('red', 'NOT')} ${check}  ${paint('dim', detail)}`
  return fix === undefined ? line : `${line}\n    ${paint('yellow', 'Fix')} ${fix}`
}

function describeDryRun({ transactions, checks, gas, gasPrice, cost, chainId, account }: DryRun): string {
  return [
    ...transactions.map(
      ({ contract, method, args, address, gas: used }, i) =>
        `${paint('bold', `${i + 1}. ${contract}${method === null ? '' : `.${method}`}`)} at ${address}, ${used} gas\n` +
        Object.entries(args)
          .map(([name, value]) => `     ${name} = ${readableArgument(value)}\n`)
          .join(''),
    ),
    properties([
      ['Chain', String(chainId)],
      ['Account', account],
      ['Gas', `${gas} at ${formatCredits(gasPrice * 10n ** 9n)} gwei`],
      ['Cost', `${formatCredits(cost)} of the chain’s currency, by its prices now`],
    ]),
    '',
    ...checks.map(describeCheck),
    '',
    'Nothing was sent.',
  ].join('\n')
}

function readableArgument(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(jsonable(value)) : String(value)
}

function describeStatus(status: DeploymentStatus, columns: number): string {
  const { token, stake, emission, settlement, court, pause, governance } = status
  const time = (seconds: number) => ms(seconds * 1_000, { long: true })
  const at = (seconds: number) => readableTime(new Date(seconds * 1_000).toISOString())
  const percent = (bps: number) => `${bps / 100} %`
  const paused = (until: number) =>
    until * 1_000 > Date.now() ? paint('yellow', `paused until ${at(until)}`) : 'open'
  const { validator, provider, orchestrator } = stake.minimumStakes
  return [
    properties([
      ['Supply', `${inCredits(token.supply)}, of which ${inCredits(token.genesisSupply)} from the beginning`],
      ['Epoch', `${token.currentEpoch}, each of ${inCredits(token.epochSupply)}`],
      ['Still to mint', `${inCredits(token.mintableOfLastEpoch)} of the last epoch`],
      [
        'Emission',
        `${percent(emission.sharesBps.providers)} providers, ${percent(emission.sharesBps.learners)} learners, ${percent(emission.sharesBps.treasury)} treasury`,
      ],
      ['Stake', `${inCredits(stake.total)}, ${count(stake.activeProviders, 'active provider')}`],
      ['Least stakes', `validator ${validator}, provider ${provider}, orchestrator ${orchestrator} credits`],
      ['Unbonding', time(stake.unbondingDelay)],
      ['Close of a channel', time(settlement.closeDelay)],
      [
        'Court',
        `${court.address}, ${court.jurySize} jurors, bond ${inCredits(court.bond)}, challenges within ${time(court.challengeWindow)}`,
      ],
      [
        'Next court',
        court.announced === null
          ? 'none announced'
          : `${court.announced.address} from ${at(court.announced.applicableAt)}`,
      ],
      ['Deposits', `Staking ${paused(pause.stakingUntil)}, Settlement ${paused(pause.settlementUntil)}`],
      ['Guardian', pause.guardian ?? 'none'],
      [
        'Governance',
        `vote after ${time(governance.votingDelay)}, for ${time(governance.votingPeriod)}, done after ${time(governance.timelockDelay)}; ${inCredits(governance.proposalThreshold)} to propose, ${inCredits(governance.quorum)} to pass`,
      ],
    ]),
    '',
    table(
      ['CONTRACT', 'LATEST VERSION', 'ADDRESS', 'USED HERE'],
      status.versions.map(({ name, version, address, isThisOne }) => [
        name,
        version,
        columns < 100 ? shortHex(address) : address,
        isThisOne ? 'yes' : 'no',
      ]),
      { columns },
    ),
  ].join('\n')
}

/** Amounts of gas and money as decimal strings. */
function jsonable(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (Array.isArray(value)) return value.map(jsonable)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, jsonable(member)]))
}
