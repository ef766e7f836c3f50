import type { Command } from 'commander'
import type { LoadedModel } from '../../inference/engine.ts'
import type { OfferView, PeerView, ReceiptView, StatusView } from '../../node/gateway/views.ts'
import {
  type CommonOptions,
  invocation,
  outputFrom,
  runningNode,
  usageError,
  withCommonOptions,
} from '../context.ts'
import { modelName, paint, properties, shortHex, shortPeer, table } from '../ui/output.ts'

/** Commands that show what a running node knows. */
export function registerLook(program: Command): void {
  withCommonOptions(program.command('status'))
    .description('show how the running node is doing')
    .addHelpText('after', '\nExample:\n  $ shoal status')
    .action(async (options: CommonOptions) => {
      const output = outputFrom(options)
      const status = (await (await runningNode(options, output)).call('status', {})) as StatusView
      output.result(status, () => describeStatus(status))
    })

  withCommonOptions(program.command('models'))
    .description('list the models that are loaded, and those on this machine')
    .addHelpText(
      'after',
      '\nExample:\n  $ shoal models\n\nOffer one with: shoal up --model NAME (a name, file, URL or hf:owner/repository:QUANT)',
    )
    .action(async (options: CommonOptions) => {
      const output = outputFrom(options)
      const models = (await (await runningNode(options, output)).call('models', {})) as {
        loaded: LoadedModel[]
        installed: { id: string; path: string }[]
      }
      output.result(models, () => describeModels(models))
    })

  withCommonOptions(program.command('peers'))
    .description('list the nodes this node is connected to')
    .addHelpText('after', '\nExample:\n  $ shoal peers --json')
    .action(async (options: CommonOptions) => {
      const output = outputFrom(options)
      const peers = (await (await runningNode(options, output)).call('peers', {})) as PeerView[]
      output.result(peers, () =>
        peers.length === 0
          ? `No peers yet. Give the node the address of another with --bootstrap; ${invocation()} doctor looks for problems.`
          : table(
              ['PEER', 'ADDRESS', 'DIRECTION', 'REPUTATION', 'TASKS', 'MODELS'],
              peers.map(peer => [
                shortPeer(peer.peerId),
                peer.address.replace(/\/p2p\/[^/]+$/, '') + (peer.relayed ? ' (relayed)' : ''),
                peer.direction,
                peer.reputation,
                peer.tasks,
                peer.models.map(modelName).join(', ') || '-',
              ]),
            ),
      )
    })

  withCommonOptions(program.command('offers'))
    .description('list what providers offer, at which price')
    .addHelpText('after', '\nExample:\n  $ shoal offers')
    .action(async (options: CommonOptions) => {
      const output = outputFrom(options)
      const offers = (await (await runningNode(options, output)).call('offers', {})) as OfferView[]
      output.result(offers, () =>
        offers.length === 0
          ? 'No offers are known yet; they come with the first peers.'
          : table(
              [
                'PROVIDER',
                'MODEL',
                'QUANT',
                'INPUT/M',
                'OUTPUT/M',
                'TOKENS/S',
                'FREE',
                'REPUTATION',
                'BOUND',
              ],
              offers.map(offer => [
                offer.own ? 'this node' : shortPeer(offer.provider),
                modelName(offer.model),
                offer.quantization,
                offer.inputPerMillion,
                offer.outputPerMillion,
                offer.tokensPerSecond,
                `${offer.freeSlots}/${offer.slots}`,
                offer.own ? '-' : offer.reputation,
                offer.bound === null ? '?' : offer.bound ? 'yes' : 'no',
              ]),
            ),
      )
    })

  withCommonOptions(program.command('receipts'))
    .description('list the receipts of tasks asked for and done, the newest first')
    .option('--limit <n>', 'how many', '20')
    .addHelpText(
      'after',
      '\nExample:\n  $ shoal receipts --limit 5\n  $ shoal receipts --json | jq ".[].amount"',
    )
    .action(async (options: CommonOptions & { limit: string }) => {
      const output = outputFrom(options)
      const limit = Number(options.limit)
      if (!Number.isSafeInteger(limit) || limit < 1)
        throw usageError(`--limit takes a whole number, not ${options.limit}`)
      const receipts = (await (
        await runningNode(options, output)
      ).call('receipts', { limit })) as ReceiptView[]
      output.result(receipts, () =>
        receipts.length === 0
          ? 'No receipts yet.'
          : table(
              ['ENDED', 'ROLE', 'WITH', 'MODEL', 'TOKENS', 'CREDITS', 'END', 'SIGNED', 'RECEIPT'],
              receipts.map(receipt => [
                receipt.endedAt.slice(0, 19).replace('T', ' '),
                receipt.role,
                shortPeer(receipt.role === 'provider' ? receipt.requester : receipt.provider),
                modelName(receipt.model),
                `${receipt.promptTokens}+${receipt.outputTokens}`,
                receipt.amount,
                receipt.reason,
                receipt.countersigned ? 'by both' : 'by provider',
                `${receipt.receipt.slice(0, 8)}…${receipt.receipt.slice(-6)}`,
              ]),
            ),
      )
    })

  withCommonOptions(program.command('stop'))
    .description('stop the running node in good order')
    .addHelpText('after', '\nExample:\n  $ shoal stop')
    .action(async (options: CommonOptions) => {
      const output = outputFrom(options)
      await (await runningNode(options, output)).call('stop', {})
      output.result({ stopping: true }, () => 'The node is stopping.')
    })
}

function describeStatus(status: StatusView): string {
  const { engine, chain } = status
  return properties([
    ['Node', status.peerId],
    ['Wallet', status.wallet],
    ['Folder', status.dataDir],
    ['Listens', status.addresses.join(', ') || 'no address that others have confirmed yet'],
    ['Chain', `${chain.url} (id ${chain.chainId})${chain.connected ? '' : paint('red', ' does not answer')}`],
    ['Peers', `${status.peers}, offers known: ${status.offers}`],
    ['Models', status.models.map(modelName).join(', ') || 'none'],
    [
      'Engine',
      `${engine.state}${engine.backend === null ? '' : ` on ${[engine.backend, ...engine.devices].join(' ')}`}, ${engine.active} running, ${engine.queued} waiting, ${engine.crashes} crashes`,
    ],
    [
      'Audit log',
      `${status.auditEvents} events${status.auditLogHealthy ? '' : paint('red', ', cannot be written')}`,
    ],
    ['Memory', `${status.memoryMiB} MiB`],
  ])
}

function describeModels(models: {
  loaded: LoadedModel[]
  installed: { id: string; path: string }[]
}): string {
  const loaded = new Map(models.loaded.map(model => [model.id, model]))
  const ids = new Set([...loaded.keys(), ...models.installed.map(({ id }) => id)])
  return table(
    ['MODEL', 'LOADED', 'PARAMETERS', 'QUANT', 'CONTEXT', 'SLOTS', 'TOKENS/S', 'DIGEST'],
    [...ids].map(id => {
      const model = loaded.get(id)
      return [
        modelName(id),
        model === undefined ? 'no' : 'yes',
        model === undefined ? '-' : `${(model.parameterCount / 1e6).toFixed(1)} M`,
        model?.quantization ?? '-',
        model?.contextTokens ?? '-',
        model?.slots ?? '-',
        model === undefined ? '-' : Math.round(model.measuredTokensPerSecond),
        shortHex(id.split('@sha256:')[1] ?? ''),
      ]
    }),
  )
}
