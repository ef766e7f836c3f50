import type { Command } from 'commander'
import type { ServedModelView } from '../../node/gateway/served-models.ts'
import type { ModelsView, ReceiptView, StatusView } from '../../node/gateway/views.ts'
import { wholeNumber } from '../arguments.ts'
import { type CommonOptions, outputFrom, runningNode, withCommonOptions } from '../context.ts'
import { modelName, type Output, paint, properties, shortHex, shortPeer, table } from '../ui/output.ts'
import {
  count,
  readableBytes,
  readableCredits,
  readableParameters,
  readableSpan,
  readableTime,
} from '../ui/readable.ts'

const MAX_RECEIPTS = 10_000

/** Commands that show what a running node knows. */
export function registerLook(program: Command): void {
  withCommonOptions(program.command('status'))
    .description('Show how the running node is doing')
    .addHelpText('after', '\nExamples:\n  $ shoal status\n  $ shoal status --json | jq .peers')
    .action(async (options: CommonOptions) => {
      const output = outputFrom(options)
      const client = await runningNode(options, output)
      const status = (await client.call('status', {})) as StatusView
      const { served } = (await client.call('models', {})) as ModelsView
      output.result({ ...status, served }, () => describeStatus(status, served))
    })

  withCommonOptions(program.command('models'))
    .summary('List the models on this machine and what is offered')
    .description('List the models on this machine, those being offered first')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal models
  $ shoal models --json | jq '.served[] | select(.state == "failed")'

A model is offered with: shoal up --model NAME (a name, file, URL or hf:owner/repository:QUANT).
Behind a name may stand a LoRA adapter that the model is to wear; several may be offered on one
base, which is in memory once:
  $ shoal up --model shoal-mini,shoal-mini+law.gguf,shoal-mini+poems.gguf
What wears more than one (shoal-mini+law.gguf+own.gguf) is for your own tasks alone.`,
    )
    .action(async (options: CommonOptions) => {
      const output = outputFrom(options)
      const models = (await (await runningNode(options, output)).call('models', {})) as ModelsView
      output.result(models, () => describeModels(models, output))
    })

  withCommonOptions(program.command('receipts'))
    .summary('List receipts of tasks asked for and done, newest first')
    .description('List the receipts of tasks asked for and done, the newest first')
    .option('--limit <n>', 'How many', wholeNumber('--limit', 1, MAX_RECEIPTS), 20)
    .addHelpText(
      'after',
      '\nExamples:\n  $ shoal receipts --limit 5\n  $ shoal receipts --json | jq ".[].amount"',
    )
    .action(async (options: CommonOptions & { limit: number }) => {
      const output = outputFrom(options)
      const { limit } = options
      const client = await runningNode(options, output)
      const receipts = (await client.call('receipts', { limit })) as ReceiptView[]
      output.result(receipts, () =>
        receipts.length === 0
          ? 'No receipts yet; they come with tasks asked for or done.'
          : table(
              ['ENDED', 'ROLE', 'WITH', 'MODEL', 'PROMPT', 'OUTPUT', 'CREDITS', 'END', 'SIGNED', 'RECEIPT'],
              receipts.map(receipt => [
                readableTime(receipt.endedAt),
                receipt.role,
                shortPeer(receipt.role === 'provider' ? receipt.requester : receipt.provider),
                modelName(receipt.model),
                receipt.promptTokens,
                receipt.outputTokens,
                readableCredits(receipt.amount),
                receipt.reason.replaceAll('_', ' '),
                receipt.countersigned ? 'by both' : 'by provider',
                `${receipt.receipt.slice(0, 8)}…${receipt.receipt.slice(-6)}`,
              ]),
              { columns: output.columns, mayLack: ['SIGNED', 'RECEIPT', 'PROMPT', 'MODEL'] },
            ),
      )
    })
}

function describeStatus(status: StatusView, served: readonly ServedModelView[]): string {
  const { engine, chain } = status
  const on = engine.backend === null ? '' : ` on ${[engine.backend, ...engine.devices].join(' ')}`
  const crashes = engine.crashes === 0 ? '' : paint('yellow', `, ${count(engine.crashes, 'crash')}`)
  return properties([
    ['Node', status.peerId],
    [
      'Process',
      `${status.pid}, up for ${readableSpan(Date.now() - Date.parse(status.startedAt))}, ${status.memoryMiB} MiB, shoal ${status.version}`,
    ],
    ['Folder', status.dataDir],
    ['Wallet', status.wallet],
    ['Listens', status.addresses.join('\n') || 'no address that others have confirmed yet'],
    [
      'Chain',
      `${chain.url} (id ${chain.chainId})${chain.connected ? '' : paint('red', ' does not answer; no paying or earning meanwhile')}`,
    ],
    ['Peers', `${count(status.peers, 'node')} connected, ${count(status.offers, 'offer')} known`],
    ['Models', served.map(describeServed).join('\n') || 'none; this node only asks others'],
    ['Engine', `${engine.state}${on}, ${engine.active} running, ${engine.queued} waiting${crashes}`],
    [
      'Audit log',
      `${count(status.auditEvents, 'event')}${status.auditLogHealthy ? '' : paint('red', ', nothing can be recorded: no tasks are taken')}`,
    ],
  ])
}

function describeServed({ spec, state, model, error, progress }: ServedModelView): string {
  switch (state) {
    case 'ready':
      return `${modelName(model ?? spec)}, ready`
    case 'failed':
      return `${spec}, ${paint('red', 'failed')}: ${error}`
    case 'downloading':
      return `${spec}, downloading${progress === null ? '' : ` (${describeProgress(progress)})`}`
    case 'loading':
      return `${spec}, loading`
  }
}

function describeProgress({ bytes, totalBytes }: { bytes: number; totalBytes: number | null }): string {
  return totalBytes === null
    ? readableBytes(bytes)
    : `${readableBytes(bytes)} of ${readableBytes(totalBytes)}, ${Math.floor((bytes / totalBytes) * 100)} %`
}

function describeModels({ served, loaded, offered, usable, installed }: ModelsView, output: Output): string {
  const running = new Map(loaded.map(model => [model.id, model]))
  const hasAdapted = loaded.some(({ base }) => base !== undefined)
  const rows = [...new Set([...running.keys(), ...installed.map(({ id }) => id)])].map(id => {
    const model = running.get(id)
    return [
      modelName(id),
      offered.includes(id) ? 'yes' : usable.includes(id) ? 'to you' : 'no',
      ...(hasAdapted ? [model?.base === undefined ? '-' : modelName(model.base)] : []),
      model === undefined ? '-' : readableParameters(model.parameterCount),
      model?.quantization ?? '-',
      model?.contextTokens ?? '-',
      model?.slots ?? '-',
      model === undefined ? '-' : Math.round(model.measuredTokensPerSecond),
      shortHex(id.split('@sha256:')[1] ?? ''),
    ]
  })
  const parts =
    rows.length === 0
      ? ['There are no models on this machine.']
      : [
          table(
            [
              'MODEL',
              'OFFERED',
              ...(hasAdapted ? ['BASE'] : []),
              'SIZE',
              'QUANT',
              'CONTEXT',
              'SLOTS',
              'TOKENS/S',
              'DIGEST',
            ],
            rows,
            {
              columns: output.columns,
              mayLack: ['DIGEST', 'SLOTS', 'BASE'],
            },
          ),
        ]
  const unfinished = served.filter(({ state }) => state !== 'ready')
  if (unfinished.length > 0) parts.push(unfinished.map(describeUnfinished).join('\n'))
  return output.copyable(parts.join('\n\n'))
}

function describeUnfinished(model: ServedModelView): string {
  const mark = model.state === 'failed' ? paint('red', '✗') : paint('dim', '·')
  return `${mark} ${describeServed(model)}`
}
