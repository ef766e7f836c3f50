import { readFile, writeFile } from 'node:fs/promises'
import { readDeploymentFile } from '../node/chain/addresses.ts'
import { ChainClient } from '../node/chain/client.ts'
import {
  EmissionError,
  EmissionReader,
  type OnChainDistribution,
  parseRounds,
} from '../node/chain/emission.ts'
import {
  allocateProviders,
  type Distribution,
  differences,
  distributionOf,
  type EmissionPool,
  learnerWeights,
  providerWeights,
} from '../node/chain/emission-allocation.ts'
import { decodeDistribution, encodeDistribution } from '../node/chain/emission-file.ts'
import { EmissionWriter } from '../node/chain/emission-writer.ts'
import { ADDRESS_PATTERN, type Address } from '../protocol/ids.ts'
import { formatCredits } from '../protocol/money.ts'
import type { ClaimCommandOptions, EmissionCommandOptions } from './commands/emission.ts'
import { invocation, ownRunningNode, usageError } from './context.ts'
import { EXIT } from './exit-codes.ts'
import { readKeyFile } from './key-file.ts'
import { type Output, paint, properties, shortHex, table } from './ui/output.ts'
import { count, inCredits, readableCredits, readableTime } from './ui/readable.ts'

/** What an account did and gets. Amounts in decimal credits; of learners `weight` is a bare number. */
interface Row {
  account: Address
  /** Null for learners, as the next. */
  settled: string | null
  /** What settled work counts up to; 0 of who was no active provider when the epoch ended. */
  stakeCap: string | null
  weight: string
  /** Of all weights, percent. */
  sharePercent: number
  amount: string
}

interface Computed {
  epoch: bigint
  pool: EmissionPool
  poolSize: bigint
  rows: Row[]
  /** Null when nobody gets anything. */
  own: Distribution | null
}

/** How a proposal compares with the own computation. */
interface Verdict {
  proposal: OnChainDistribution
  differs: ('root' | 'total')[]
  /** Null where the proposed tree is not at hand. */
  accounts: { account: Address; proposed: string; own: string }[] | null
}

/** Computes an epoch's distribution and compares it with the proposal; may propose or dispute. */
export async function emissionCommand(options: EmissionCommandOptions, output: Output): Promise<void> {
  if (options.pool !== 'learners' && options.rounds !== undefined) {
    throw usageError(
      '--rounds is for --pool learners',
      'The learners’ pool is computed from accepted rounds: --pool learners.',
    )
  }
  const { client, reader } = await connected(options, output)
  try {
    const epoch = options.epoch === undefined ? await reader.latestFinishedEpoch() : BigInt(options.epoch)
    const computed = await compute(epoch, options, reader)
    const { own } = computed
    if (options.out !== undefined && own !== null) await writeFile(options.out, encodeDistribution(own))
    const verdict = await compare(computed, options, reader)
    const done = await act({ computed, verdict }, options, { client, output })
    if (verdict !== null && verdict.differs.length > 0 && done?.method !== 'dispute')
      process.exitCode = EXIT.failed
    const file = own === null ? null : (options.out ?? null)
    output.result(viewOf(computed, verdict, { done, file }), () =>
      [
        describeComputed(computed, output.columns),
        '',
        ...(file === null ? [] : [`The tree of claims is in ${file}.`]),
        ...(verdict === null ? describeNoProposal(done) : describeVerdict(verdict, options, { epoch, done })),
      ].join('\n'),
    )
  } finally {
    client.stop()
  }
}

/** Claims for an account with the proof from a file. */
export async function claimCommand(options: ClaimCommandOptions, output: Output): Promise<void> {
  const distribution = await readDistribution(options.distribution)
  const { epoch, pool } = distribution
  if (options.epoch !== undefined && BigInt(options.epoch) !== epoch)
    throw usageError(
      `${options.distribution} is of epoch ${epoch}, not ${options.epoch}`,
      'Give the other file.',
    )
  if (options.pool !== undefined && options.pool !== pool)
    throw usageError(
      `${options.distribution} is of the ${pool}, not the ${options.pool}`,
      'Give the other file.',
    )
  const given = options.account?.toLowerCase()
  if (given !== undefined && !ADDRESS_PATTERN.test(given))
    throw usageError(
      `--account takes an address, not ${JSON.stringify(options.account)}`,
      'It is 0x and 40 hex digits.',
    )
  const { client, reader } = await connected(options, output)
  try {
    await requireClaimable(distribution, reader)
    const writer = await writerFrom(options, { client, output })
    const account = given ?? writer.account
    const { amount, transaction } = await writer.claim(distribution, account)
    output.result(
      { epoch: Number(epoch), pool, account, amount: formatCredits(amount), transaction },
      () =>
        `${paint('green', '✓')} ${account} got ${inCredits(formatCredits(amount))} of epoch ${epoch}: ${transaction}`,
    )
  } finally {
    client.stop()
  }
}

async function requireClaimable({ epoch, pool, root }: Distribution, reader: EmissionReader): Promise<void> {
  const proposal = await reader.proposed(epoch, pool)
  const refused = (message: string, fix: string) =>
    new EmissionError('EMISSION_NOT_CLAIMABLE', message, { fix })
  if (proposal === null || proposal.status === 'lapsed') {
    throw refused(
      `no distribution of epoch ${epoch} stands`,
      'An active Validator proposes it: shoal contracts emission --propose.',
    )
  }
  if (proposal.root.toLowerCase() !== root) {
    throw refused(
      `the file is not the distribution of epoch ${epoch} that stands on chain`,
      'Ask for the file of the one that does, or see with shoal contracts emission whether it is right.',
    )
  }
  if (proposal.status === 'proposed')
    throw refused('the proposal can still be disputed', `Claim after ${isoTime(proposal.deadlineMs)}.`)
  if (proposal.status === 'disputed')
    throw refused(
      'the proposal is disputed',
      `Governance decides by ${isoTime(proposal.deadlineMs)}; look again then.`,
    )
}

async function connected(
  options: EmissionCommandOptions | ClaimCommandOptions,
  output: Output,
): Promise<{ client: ChainClient; reader: EmissionReader }> {
  const deployment = options.contracts === undefined ? null : await readDeploymentFile(options.contracts)
  const client = await ChainClient.connect({ rpcUrl: options.rpc, expectedChainId: null, deployment })
  const { addresses, deploymentBlock } = client.deployment
  let tenths = 0
  const onBlocks = (read: number, total: number) => {
    const now = Math.floor((read * 10) / total)
    if (now === tenths) return
    tenths = now
    output.note(`Read ${read} of ${count(total, 'block')} of the epoch`)
  }
  const reader = new EmissionReader(
    { addresses, deploymentBlock, confirmations: options.confirmations },
    { client, onBlocks },
  )
  return { client, reader }
}

async function writerFrom(
  options: EmissionCommandOptions | ClaimCommandOptions,
  { client, output }: { client: ChainClient; output: Output },
): Promise<EmissionWriter> {
  const privateKey = options.keyFile === undefined ? {} : { privateKey: await readKeyFile(options.keyFile) }
  return await EmissionWriter.make(
    { deployment: client.deployment, confirmations: options.confirmations, ...privateKey },
    { provider: client.provider, onSent: (what, hash) => output.note(`Sent ${what}: ${hash}`) },
  )
}

async function compute(
  epoch: bigint,
  options: EmissionCommandOptions,
  reader: EmissionReader,
): Promise<Computed> {
  const { pool } = options
  const poolSize = await reader.poolSize(epoch, pool)
  if (pool === 'learners') {
    // Looks that the epoch is over.
    await reader.epochBlocks(epoch)
    const accepted = parseRounds(await roundsText(epoch, options, reader))
    const own = await reader.learners(epoch, accepted)
    const weights = new Map<Address, bigint>()
    for (const { account, weight } of learnerWeights(accepted))
      weights.set(account, (weights.get(account) ?? 0n) + weight)
    return {
      epoch,
      pool,
      poolSize,
      own,
      rows: rowsOf(weights, own, () => ({ settled: null, stakeCap: null }), String),
    }
  }
  const works = await reader.providerWorks(epoch)
  const own = distributionOf(epoch, pool, allocateProviders(poolSize, works))
  const counted = new Map(providerWeights(works).map(({ account, weight }) => [account, weight]))
  const weights = new Map(works.map(({ account }) => [account, counted.get(account) ?? 0n]))
  const workOf = new Map(works.map(work => [work.account, work]))
  const rows = rowsOf(
    weights,
    own,
    account => {
      const { settled, stake, active } = workOf.get(account)!
      return { settled: formatCredits(settled), stakeCap: formatCredits(active ? stake : 0n) }
    },
    formatCredits,
  )
  return { epoch, pool, poolSize, own, rows }
}

/** The accepted rounds of an epoch: from a file, or from what the running node has proven itself. */
async function roundsText(
  epoch: bigint,
  options: EmissionCommandOptions,
  reader: EmissionReader,
): Promise<string> {
  if (options.rounds !== undefined) return readText(options.rounds)
  const node = await ownRunningNode(options)
  return JSON.stringify(await node.call('acceptedRounds', await reader.epochTimes(epoch)))
}

function rowsOf(
  weights: ReadonlyMap<Address, bigint>,
  own: Distribution | null,
  work: (account: Address) => Pick<Row, 'settled' | 'stakeCap'>,
  format: (weight: bigint) => string,
): Row[] {
  const total = [...weights.values()].reduce((sum, weight) => sum + weight, 0n)
  const amounts = amountsOf(own)
  return [...weights].map(([account, weight]) => ({
    account,
    ...work(account),
    weight: format(weight),
    sharePercent: total === 0n ? 0 : Number((weight * 10_000n) / total) / 100,
    amount: formatCredits(amounts.get(account) ?? 0n),
  }))
}

async function compare(
  { epoch, pool, own }: Computed,
  { against }: EmissionCommandOptions,
  reader: EmissionReader,
): Promise<Verdict | null> {
  const proposal = await reader.proposed(epoch, pool)
  // Nothing can be claimed from a lapsed one; the next proposal takes its place.
  if (proposal === null || proposal.status === 'lapsed') return null
  if (against === undefined) return { proposal, differs: differences(proposal, own), accounts: null }
  const theirs = await readDistribution(against)
  if (theirs.root !== proposal.root.toLowerCase()) {
    throw new EmissionError('EMISSION_FILE_INVALID', `${against} is not what was proposed on chain`, {
      fix: `Ask whoever proposed it, ${proposal.proposer}, for the file with the root ${proposal.root}.`,
    })
  }
  return { proposal, differs: differences(proposal, own), accounts: differingAccounts(theirs, own) }
}

function differingAccounts(theirs: Distribution, own: Distribution | null): Verdict['accounts'] {
  const [proposed, mine] = [amountsOf(theirs), amountsOf(own)]
  return [...new Set([...proposed.keys(), ...mine.keys()])]
    .sort()
    .filter(account => proposed.get(account) !== mine.get(account))
    .map(account => ({
      account,
      proposed: formatCredits(proposed.get(account) ?? 0n),
      own: formatCredits(mine.get(account) ?? 0n),
    }))
}

function amountsOf(distribution: Distribution | null): Map<Address, bigint> {
  return new Map(distribution?.allocations.map(({ account, amount }) => [account, amount]))
}

interface Done {
  method: 'propose' | 'dispute'
  /** Decimal credits. */
  bond: string
  transaction: string
}

/** Proposes or disputes, where it was told to. */
async function act(
  { computed, verdict }: { computed: Computed; verdict: Verdict | null },
  options: EmissionCommandOptions,
  modules: { client: ChainClient; output: Output },
): Promise<Done | null> {
  const { epoch, pool, own } = computed
  if (options.propose === true) {
    if (own === null)
      throw new EmissionError('EMISSION_NOTHING_TO_PROPOSE', `nobody gets anything of epoch ${epoch}`, {
        fix: 'There is nothing to do for this epoch and pool.',
      })
    if (verdict !== null)
      throw new EmissionError(
        'EMISSION_ALREADY_PROPOSED',
        `a distribution of epoch ${epoch} is ${verdict.proposal.status} already`,
        {
          fix:
            verdict.differs.length === 0
              ? 'It is the same as yours: nothing is left to do.'
              : 'It differs from yours: dispute it with --dispute.',
        },
      )
    const writer = await writerFrom(options, modules)
    const bond = await pledging(await writer.proposalBond(), modules.output)
    return { method: 'propose', bond, transaction: await writer.propose(own) }
  }
  if (options.dispute !== true) return null
  const refused = (message: string, fix: string) =>
    new EmissionError('EMISSION_NOTHING_TO_DISPUTE', message, { fix })
  if (verdict === null)
    throw refused(`no distribution of epoch ${epoch} is proposed`, 'Propose the right one with --propose.')
  const { proposal, differs } = verdict
  if (differs.length === 0)
    throw refused('the proposal is the same as the own computation', 'There is nothing to dispute.')
  if (proposal.status !== 'proposed')
    throw refused(
      `the distribution is ${proposal.status}`,
      proposal.status === 'disputed'
        ? 'Governance decides on it; tell its voters what you found.'
        : 'The window for disputes is over; governance can still be told.',
    )
  const writer = await writerFrom(options, modules)
  if (writer.account === proposal.proposer)
    throw refused('nobody disputes a proposal of their own', 'Let another active Validator dispute it.')
  const bond = await pledging(proposal.bond, modules.output)
  return { method: 'dispute', bond, transaction: await writer.dispute(epoch, pool, proposal) }
}

async function pledging(bond: bigint, output: Output): Promise<string> {
  const credits = formatCredits(bond)
  output.note(`The bond is ${inCredits(credits)}; who turns out to be wrong loses it.`)
  return credits
}

function viewOf(
  { epoch, pool, poolSize, rows, own }: Computed,
  verdict: Verdict | null,
  { done, file }: { done: Done | null; file: string | null },
): unknown {
  return {
    epoch: Number(epoch),
    pool,
    poolSize: formatCredits(poolSize),
    accounts: rows,
    total: formatCredits(own?.total ?? 0n),
    root: own?.root ?? null,
    contentHash: own?.contentHash ?? null,
    file,
    proposal:
      verdict === null
        ? null
        : {
            id: verdict.proposal.id,
            status: verdict.proposal.status,
            proposer: verdict.proposal.proposer,
            root: verdict.proposal.root,
            total: formatCredits(verdict.proposal.total),
            claimed: formatCredits(verdict.proposal.claimed),
            bond: formatCredits(verdict.proposal.bond),
            deadline: isoTime(verdict.proposal.deadlineMs),
            same: verdict.differs.length === 0,
            differs: verdict.differs,
            differingAccounts: verdict.accounts,
          },
    sent: done,
  }
}

function describeComputed({ epoch, pool, poolSize, rows, own }: Computed, columns: number): string {
  const short = (account: Address) => (columns < 100 ? shortHex(account) : account)
  const work =
    pool === 'providers'
      ? {
          head: ['SETTLED WORK', 'STAKE CAP'],
          of: (row: Row) => [readableCredits(row.settled!), readableCredits(row.stakeCap!)],
        }
      : { head: ['WEIGHT'], of: (row: Row) => [row.weight] }
  const lines = rows.map(row => [
    short(row.account),
    ...work.of(row),
    `${row.sharePercent} %`,
    readableCredits(row.amount),
  ])
  return [
    ...(rows.length === 0
      ? []
      : [table(['ACCOUNT', ...work.head, 'SHARE', 'AMOUNT'], lines, { columns }), '']),
    properties([
      ['Epoch', `${epoch}, ${pool}`],
      ['Total', inCredits(formatCredits(own?.total ?? 0n))],
      ['Pool', inCredits(formatCredits(poolSize))],
      ['Root', own?.root ?? 'none: nobody gets anything'],
    ]),
  ].join('\n')
}

function describeNoProposal(done: Done | null): string[] {
  return done === null
    ? ['Nothing stands on chain yet; an active Validator proposes it with --propose.']
    : [
        `${paint('green', '✓')} Proposed with a bond of ${inCredits(done.bond)}: ${done.transaction}`,
        'Give the tree of claims (--out) to everyone: it can be disputed, and later claimed, only with it.',
      ]
}

function describeVerdict(
  { proposal, differs, accounts }: Verdict,
  { rpc, contracts, pool, rounds }: EmissionCommandOptions,
  { epoch, done }: { epoch: bigint; done: Done | null },
): string[] {
  const until = readableTime(isoTime(proposal.deadlineMs))
  if (differs.length === 0) {
    const then =
      proposal.status === 'proposed'
        ? `becomes final at ${until}`
        : proposal.status === 'disputed'
          ? `is disputed, without reason; governance decides by ${until}`
          : `is final; ${inCredits(formatCredits(proposal.claimed))} claimed`
    return [`${paint('green', '✓')} The proposal on chain is the same. It ${then}.`]
  }
  const found = [
    `${paint('red', '✗')} The proposal on chain differs in its ${differs.join(' and ')}: root ${proposal.root}, total ${inCredits(formatCredits(proposal.total))}, by ${proposal.proposer}.`,
    ...(accounts === null
      ? ['Which accounts differ is known with the proposed tree, from whoever proposed it: --against FILE.']
      : accounts.map(each => `  ${each.account}: proposed ${each.proposed}, right ${each.own}`)),
  ]
  if (done !== null)
    return [
      ...found,
      `${paint('green', '✓')} Disputed with a bond of ${inCredits(done.bond)}: ${done.transaction}`,
    ]
  if (proposal.status === 'disputed') return [...found, `It is disputed; governance decides by ${until}.`]
  if (proposal.status === 'final') return [...found, 'It is final: the time to dispute it is over.']
  const flags = [
    ...(contracts === undefined ? [] : [`--contracts ${contracts}`]),
    `--epoch ${epoch} --pool ${pool}`,
    ...(rounds === undefined ? [] : [`--rounds ${rounds}`]),
  ]
  return [
    ...found,
    `An active Validator should dispute it until ${until}, with a bond of ${inCredits(formatCredits(proposal.bond))}:`,
    `  ${invocation()} contracts emission --rpc ${rpc} ${flags.join(' ')} --dispute --key-file FILE`,
  ]
}

async function readDistribution(path: string): Promise<Distribution> {
  return decodeDistribution(await readText(path), path)
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw usageError(`${path} cannot be read: ${(cause as Error).message}`, 'Check the path.')
  }
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}
