import { hexToBytes } from '@noble/hashes/utils.js'
import type { LoadedModel } from '../../inference/engine.ts'
import { NODE_KEY_PATTERN, type NodeKey, peerIdFromPublicKey } from '../../protocol/ids.ts'
import { formatCredits } from '../../protocol/money.ts'
import { ROLES, type Role, requiredStake } from '../../protocol/roles.ts'
import type { KnownDeployment } from '../chain/addresses.ts'
import type { VerificationLevel } from '../chain/client.ts'
import type { Candidate, ProviderId } from '../market/routing/candidate.ts'
import type { ShoalNode, TradeParts } from '../node.ts'
import type { StakePayment } from '../payments/staker.ts'
import type { TaskEvent, TaskResult } from '../tasks/ask.ts'
import type { BookedReceipt } from '../tasks/receipt-book.ts'
import { VERSION } from '../version.ts'
import type { ServedModelView } from './served-models.ts'

/** What a node shows of itself, as JSON: credits are decimal strings, times ISO, nodes their PeerId. */

export interface StatusView {
  version: string
  /** Of the node's process. */
  pid: number
  startedAt: string
  peerId: string
  wallet: string
  dataDir: string
  addresses: string[]
  chain: { url: string; connected: boolean; chainId: number; deployment: KnownDeployment }
  peers: number
  offers: number
  models: string[]
  engine: {
    state: string
    backend: string | null
    devices: readonly string[]
    active: number
    queued: number
    crashes: number
  }
  auditLogHealthy: boolean
  auditEvents: number
  memoryMiB: number
}

export interface PeerView {
  peerId: string
  address: string
  direction: string
  relayed: boolean
  reputation: number
  tasks: number
  violations: number
  models: string[]
}

export interface ChannelView {
  channelId: string
  role: 'paying' | 'earning'
  with: string
  state: string
  deposit: string
  /** Signed by or for us, in total. */
  spent: string
  /** Paid out on chain, in total. */
  claimed: string
  endsAt: string
}

export interface WalletView {
  address: string
  gas: string
  credits: string
  settlementCredits: string
  stake: string
  /** In channels, not spent. */
  locked: string
  /** Earned by vouchers, not claimed yet. */
  unclaimed: string
  spending: { limitPerDay: string; remaining: string }
  channels: ChannelView[]
  pendingTransactions: number
}

export interface StakeView {
  address: string
  /** At stake, without what is unbonding. */
  staked: string
  /** What the declared roles need together. */
  needed: string
  /** Active is what has been declared while the stake is enough for all that was. */
  roles: { role: Role; declared: boolean; active: boolean; needs: string }[]
  unbonding: string
  /** Null while nothing is unbonding. */
  withdrawableAt: string | null
  unbondingDelaySeconds: number
  /** By the court, of all that is staked or unbonding. */
  locked: string
  bounty: string
  /** Lost to the court, ever. */
  slashed: string
  level: VerificationLevel
  /** Null while Staking takes in credits. */
  depositsPausedUntil: string | null
}

/** What a change of the stake came to; no transaction where nothing had to change. */
export interface StakeChangeView {
  transaction: string | null
  stake: StakeView
}

export interface StakeWithdrawalView {
  paid: { of: StakePayment['of']; transaction: string; amount: string }[]
  stake: StakeView
}

export interface ReceiptView {
  receipt: string
  role: 'requester' | 'provider'
  taskId: string
  attempt: number
  model: string
  provider: string
  requester: string
  reason: string
  promptTokens: number
  outputTokens: number
  amount: string
  channelId: string
  endedAt: string
  /** Both have signed. */
  countersigned: boolean
}

export interface CandidateView {
  provider: string
  model: string
  expectedCost: string
  expectedSeconds: number
  outputPerMillion: string
  reliability: number
  /** What they are ranked by, 0 to 1; the higher the better. */
  score: number
}

/** A node as libp2p writes it; `local` and cloud services by their names. */
export function peerIdOf(provider: NodeKey | ProviderId): string {
  return NODE_KEY_PATTERN.test(provider) ? peerIdFromPublicKey(hexToBytes(provider)) : provider
}

export function statusView(node: ShoalNode): StatusView {
  const { host, book, engine, wallet, deployment, chainUrl, eventLog } = node.parts
  const { state, backend, models, active, queued, crashes } = engine.status()
  return {
    version: VERSION,
    pid: process.pid,
    startedAt: new Date(performance.timeOrigin).toISOString(),
    peerId: peerIdOf(host.nodeKey),
    wallet: wallet.address,
    dataDir: node.dataDir.root,
    addresses: host.addresses(),
    chain: { url: chainUrl, connected: node.tradeOrNull !== null, chainId: deployment.chainId, deployment },
    peers: host.peers().length,
    offers: book.size,
    models: models.map(({ id }) => id),
    engine: {
      state,
      backend: backend?.kind ?? null,
      devices: backend?.devices ?? [],
      active,
      queued,
      crashes,
    },
    auditLogHealthy: node.auditHealthy,
    auditEvents: eventLog.lastSequence,
    memoryMiB: Math.round(process.memoryUsage.rss() / 1_048_576),
  }
}

export interface ModelsView {
  /** What is to be offered, and what became of it. */
  served: ServedModelView[]
  loaded: LoadedModel[]
  /** Ids of those that others may ask for, and of those that own tasks may use. */
  offered: string[]
  usable: string[]
  /** Model files on this machine. */
  installed: { id: string; path: string }[]
}

export function modelView(model: LoadedModel): LoadedModel {
  return { ...model, measuredTokensPerSecond: Math.round(model.measuredTokensPerSecond) }
}

export function peerViews(node: ShoalNode): PeerView[] {
  const { host, reputation, book } = node.parts
  return host.peers().map(peer => {
    const [connection] = host.connectionsOf(peer)
    const { score, tasks, violations } = reputation.score(peer)
    return {
      peerId: peerIdOf(peer),
      address: connection?.address ?? '',
      direction: connection?.direction ?? '',
      relayed: connection?.relayed ?? false,
      reputation: score,
      tasks,
      violations,
      models: book.of(peer)?.offer.models.map(({ model }) => model) ?? [],
    }
  })
}

export async function walletView(node: ShoalNode, trade: TradeParts): Promise<WalletView> {
  const { economy } = trade
  const { address } = node.parts.wallet
  const balances = await economy.client.balances(address)
  const paying = economy.payer.list().filter(({ state }) => state !== 'closed')
  const earning = economy.payee.list().filter(({ state }) => state !== 'closed')
  const sum = (amounts: readonly bigint[]) =>
    formatCredits(amounts.reduce((total, amount) => total + amount, 0n))
  return {
    address,
    gas: formatCredits(balances.gas),
    credits: formatCredits(balances.credits),
    settlementCredits: formatCredits(balances.settlementCredits),
    stake: formatCredits(balances.stake),
    locked: sum(paying.map(({ deposit, cumulative }) => deposit - cumulative)),
    unclaimed: sum(earning.map(({ cumulative, claimed }) => cumulative - claimed)),
    spending: {
      limitPerDay: formatCredits(node.config['spending.limitPerDay']),
      remaining: formatCredits(economy.spending.remaining()),
    },
    channels: [
      ...paying.map(channel => channelView('paying', channel.payee, channel)),
      ...earning.map(channel => channelView('earning', channel.payer, channel)),
    ],
    pendingTransactions: economy.publisher.pending().length,
  }
}

export async function stakeView(node: ShoalNode, trade: TradeParts): Promise<StakeView> {
  const stake = await trade.economy.staker.stake()
  const { roles, active, minimums, withdrawableAtMs, depositsPausedUntilMs } = stake
  return {
    address: node.parts.wallet.address,
    staked: formatCredits(stake.staked),
    needed: formatCredits(requiredStake(roles, minimums)),
    roles: ROLES.map(role => ({
      role,
      declared: roles.includes(role),
      active: active && roles.includes(role),
      needs: formatCredits(requiredStake([role], minimums)),
    })),
    unbonding: formatCredits(stake.unbonding),
    withdrawableAt: withdrawableAtMs === null ? null : new Date(withdrawableAtMs).toISOString(),
    unbondingDelaySeconds: stake.unbondingDelayMs / 1_000,
    locked: formatCredits(stake.locked),
    bounty: formatCredits(stake.bounty),
    slashed: formatCredits(stake.slashed),
    level: stake.level,
    depositsPausedUntil:
      depositsPausedUntilMs > Date.now() ? new Date(depositsPausedUntilMs).toISOString() : null,
  }
}

function channelView(
  role: ChannelView['role'],
  partner: string,
  channel: {
    channelId: string
    state: string
    deposit: bigint
    cumulative: bigint
    claimed: bigint
    expiresAtMs: number
    closesAtMs: number | null
  },
): ChannelView {
  return {
    channelId: channel.channelId,
    role,
    with: partner,
    state: channel.state,
    deposit: formatCredits(channel.deposit),
    spent: formatCredits(channel.cumulative),
    claimed: formatCredits(channel.claimed),
    endsAt: new Date(Math.min(channel.closesAtMs ?? channel.expiresAtMs, channel.expiresAtMs)).toISOString(),
  }
}

export function receiptView({ role, cid, receipt, countersignature }: BookedReceipt): ReceiptView {
  return {
    receipt: cid,
    role,
    taskId: receipt.taskId,
    attempt: receipt.attempt,
    model: receipt.model,
    provider: peerIdOf(receipt.provider),
    requester: peerIdOf(receipt.requester),
    reason: receipt.reason,
    promptTokens: receipt.promptTokens,
    outputTokens: receipt.outputTokens,
    amount: formatCredits(receipt.amount),
    channelId: receipt.channelId,
    endedAt: new Date(receipt.endedAtMs).toISOString(),
    countersigned: countersignature !== null,
  }
}

/** One line of the stream of a task; a closed set, as `TaskEvent`. */
export type TaskEventView =
  | { type: 'started'; taskId: string }
  | { type: 'ranked'; candidates: CandidateView[]; unfit: Record<string, number> }
  | { type: 'chosen'; candidate: CandidateView; attempt: number; alternatives: number }
  | {
      type: 'auction'
      provider: string
      inputPerMillion: string
      outputPerMillion: string
      asked: number
      bids: number
      tookMs: number
    }
  | { type: 'funding'; kind: 'open' | 'topUp'; channelId: string; amount: string }
  | { type: 'channel'; channelId: string }
  | { type: 'accepted'; promptTokens: number; isEstimate?: boolean }
  | { type: 'counted'; promptTokens: number; outputTokens: number; surplus: number }
  | { type: 'output'; text: string; tokens: number }
  | { type: 'payment'; taskAmount: string; cumulativeAmount: string }
  | { type: 'receipt'; receipt: string; amount: string; reason: string; outputTokens: number }
  | { type: 'failover'; from: string; why: string; attempt: number }
  | { type: 'hedged'; provider: string; attempt: number; afterMs: number }
  | { type: 'standby'; provider: string }
  | { type: 'disagreement'; agreed: string[]; dissenting: string[]; atToken: number }
  | { type: 'queued'; ahead: number; expectedMs: number }
  | { type: 'suspected' }
  | { type: 'notice'; endsInMs: number }
  | { type: 'vectors'; vectors: number; tokens: number }

const MAX_CANDIDATES_SHOWN = 8

export function taskEventView(event: TaskEvent): TaskEventView {
  switch (event.type) {
    case 'ranked':
      return {
        type: 'ranked',
        candidates: event.ranking.candidates.slice(0, MAX_CANDIDATES_SHOWN).map(candidateView),
        unfit: event.ranking.unfit,
      }
    case 'chosen':
      return { ...event, candidate: candidateView(event.candidate) }
    case 'funding':
      return { ...event, amount: formatCredits(event.amount) }
    case 'output':
      return { type: 'output', text: event.text, tokens: event.count ?? event.tokens.length }
    case 'vectors':
      return { type: 'vectors', vectors: event.vectors.length, tokens: event.tokens }
    case 'payment':
      return {
        type: 'payment',
        taskAmount: formatCredits(event.taskAmount),
        cumulativeAmount: formatCredits(event.cumulativeAmount),
      }
    case 'receipt': {
      const { amount, reason, outputTokens } = event.record.body
      return {
        type: 'receipt',
        receipt: event.record.cid,
        amount: formatCredits(amount),
        reason,
        outputTokens,
      }
    }
    case 'failover':
      return { ...event, from: peerIdOf(event.from) }
    case 'auction': {
      const { price, ...rest } = event
      return {
        ...rest,
        provider: peerIdOf(event.provider),
        inputPerMillion: formatCredits(price.inputPerMillion),
        outputPerMillion: formatCredits(price.outputPerMillion),
      }
    }
    case 'hedged':
    case 'standby':
      return { ...event, provider: peerIdOf(event.provider) }
    case 'disagreement':
      return {
        ...event,
        agreed: event.agreed.map(peerIdOf),
        dissenting: event.dissenting.map(peerIdOf),
      }
    default:
      return event
  }
}

function candidateView({ provider, model, prediction, score }: Candidate): CandidateView {
  return {
    provider: peerIdOf(provider),
    model: model.model,
    expectedCost: formatCredits(prediction.expectedCost),
    expectedSeconds: Number((prediction.totalMs / 1_000).toFixed(3)),
    outputPerMillion: formatCredits(model.outputPerMillion),
    reliability: Number(prediction.reliability.toFixed(3)),
    score,
  }
}

export interface AskResultView {
  taskId: string
  status: TaskResult['status']
  reason: string
  text: string
  model: string
  provider: string
  promptTokens: number
  outputTokens: number
  paid: string
  attempts: number
  agreed: string[]
}

export function askResultView(result: TaskResult): AskResultView {
  return {
    ...result,
    provider: peerIdOf(result.provider),
    agreed: result.agreed.map(peerIdOf),
    paid: formatCredits(result.paid),
  }
}
