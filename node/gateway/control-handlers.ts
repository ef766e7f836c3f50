import { randomBytes } from 'node:crypto'
import { formatCredits, parseCredits } from '../../protocol/money.ts'
import { jsonOf } from '../events/json.ts'
import type { ShoalNode } from '../node.ts'
import type { NodeEvent } from '../node-events.ts'
import { PaymentError } from '../payments/errors.ts'
import { accountHandlers } from './account-handlers.ts'
import type { accountMethods } from './account-methods.ts'
import { askOptionsFrom } from './ask-options.ts'
import { batchHandlers } from './batch-handlers.ts'
import { calibrationHandlers } from './calibration-handlers.ts'
import type { ControlHandlersOf, ControlMethod } from './control-api.ts'
import type { ControlHandler, ControlServerModules } from './control-server.ts'
import { disputeHandlers } from './dispute-handlers.ts'
import { doorHandlers } from './door-handlers.ts'
import type { doorMethods } from './door-methods.ts'
import { eventHandlers } from './event-handlers.ts'
import type { Door } from './http/door.ts'
import { askWithTools, inferenceHandlers } from './inference-handlers.ts'
import { learningHandlers } from './learning-handlers.ts'
import { marketHandlers } from './market-handlers.ts'
import { offerViews } from './offer-views.ts'
import { routeHandlers } from './route-handlers.ts'
import type { ServedModels } from './served-models.ts'
import { trustHandlers } from './trust-handlers.ts'
import { twinHandlers } from './twin-handlers.ts'
import { versionHandlers } from './version-handlers.ts'
import {
  askResultView,
  type ModelsView,
  modelView,
  peerViews,
  receiptView,
  type StakeWithdrawalView,
  stakeView,
  statusView,
  taskEventView,
  walletView,
} from './views.ts'

/** Commands that are about the node, not about its door and who may come in. */
export type NodeMethod = Exclude<ControlMethod, keyof typeof doorMethods | keyof typeof accountMethods>

/**
 * What each command does to a node.
 * @param modules.served what became of the models to be offered
 * @param modules.door opened when it is asked for
 * @param modules.shutDown ends the whole process in good order
 */
export function controlHandlers(
  node: ShoalNode,
  modules: { served: ServedModels; door: Door; shutDown: () => void },
): ControlServerModules['handlers'] {
  const { door } = modules
  const handlers = {
    ...nodeHandlers(node, modules),
    ...doorHandlers(node, door),
    ...accountHandlers(node, door),
  }
  return handlers as unknown as { readonly [M in keyof ControlServerModules['handlers']]: ControlHandler }
}

/** The same without what opens the door: what can be asked for through it. */
export function nodeHandlers(
  node: ShoalNode,
  modules: { served: ServedModels; shutDown: () => void },
): ControlHandlersOf<NodeMethod> {
  const { served, shutDown } = modules
  return {
    ...routeHandlers(node.parts.learning),
    ...trustHandlers(node),
    ...calibrationHandlers(node),
    ...disputeHandlers(node),
    ...learningHandlers(node),
    ...eventHandlers(node),
    ...twinHandlers(node),
    ...marketHandlers(node, { served }),
    ...batchHandlers(node),
    ...versionHandlers(node),
    ...inferenceHandlers(node),
    status: () => statusView(node),
    models: async (): Promise<ModelsView> => ({
      served: served.list(),
      loaded: node.parts.engine.status().models.map(modelView),
      offered: node.parts.serving.offered.status().models.map(({ id }) => id),
      usable: node.parts.serving.usable.status().models.map(({ id }) => id),
      installed: (await node.parts.catalog.installed()).map(({ id, path }) => ({ id, path })),
    }),
    peers: () => peerViews(node),
    offers: query => offerViews(node, query),
    wallet: () => walletView(node, node.trade),
    receipts: async ({ limit }) => {
      const receipts = []
      for await (const receipt of node.parts.receipts.list({ limit })) receipts.push(receiptView(receipt))
      return receipts
    },
    settle: async () =>
      (await node.trade.economy.settler.settleNow()).map(({ transaction, amount, channels }) => ({
        transaction,
        amount: formatCredits(amount),
        channels: channels.length,
      })),
    withdraw: async ({ amount }) => {
      const { settler, client } = node.trade.economy
      const { settlementCredits } = await client.balances(node.parts.wallet.address)
      const wanted = amount === null ? settlementCredits : parseCredits(amount)
      if (wanted === 0n || wanted > settlementCredits) {
        throw new PaymentError(
          'WITHDRAWAL_FAILED',
          `Settlement holds ${formatCredits(settlementCredits)} credits for you`,
          {
            fix: 'Run shoal settle first to claim what was earned, or ask for less.',
          },
        )
      }
      const transaction = await settler.withdraw(wanted, randomBytes(8).toString('hex'))
      return { transaction, amount: formatCredits(wanted) }
    },
    closeChannels: async () => {
      const { payer } = node.trade.economy
      const idle = payer.list().filter(({ state, reserved }) => state === 'open' && reserved === 0n)
      const closing = []
      for (const { channelId, deposit, cumulative } of idle) {
        const { status } = await payer.close(channelId)
        closing.push({ channelId, left: formatCredits(deposit - cumulative), status })
      }
      return closing
    },
    stake: () => stakeView(node, node.trade),
    addStake: async ({ amount }) => ({
      transaction: await node.trade.economy.staker.add(parseCredits(amount)),
      stake: await stakeView(node, node.trade),
    }),
    setRoles: async ({ roles }) => ({
      transaction: await node.trade.economy.staker.setRoles(roles),
      stake: await stakeView(node, node.trade),
    }),
    unbond: async ({ amount }) => ({
      transaction: await node.trade.economy.staker.unbond(parseCredits(amount)),
      stake: await stakeView(node, node.trade),
    }),
    cancelUnbonding: async () => {
      const { transaction, amount } = await node.trade.economy.staker.cancel()
      return { transaction, amount: formatCredits(amount), stake: await stakeView(node, node.trade) }
    },
    withdrawStake: async (): Promise<StakeWithdrawalView> => {
      const paid = await node.trade.economy.staker.withdraw()
      return {
        paid: paid.map(payment => ({ ...payment, amount: formatCredits(payment.amount) })),
        stake: await stakeView(node, node.trade),
      }
    },
    anchor: () => node.trade.economy.anchorer.anchorNow(),
    doctor: () => ({ ...statusView(node), unreachableBootstraps: node.parts.keeper.unreachable() }),
    metrics: () => node.metrics.registry.metrics(),
    stop: () => {
      setImmediate(shutDown)
      return {}
    },
    events: (_parameters, tell, signal) => {
      const listener = (event: NodeEvent) => tell(jsonOf(event))
      node.events.on('event', listener)
      return new Promise(resolve => {
        signal.addEventListener('abort', () => {
          node.events.off('event', listener)
          resolve({})
        })
      })
    },
    cancel: ({ taskId }) => ({ cancelled: node.trade.requester.cancel(taskId) }),
    ask: async (parameters, tell, signal) => {
      if (parameters.tools.length > 0) return askWithTools(node, parameters, tell, signal)
      const result = await node.trade.requester.ask(
        askOptionsFrom(parameters, node.config['privacy.defaultClass']),
        event => tell(taskEventView(event)),
        signal,
      )
      return askResultView(result)
    },
  }
}
