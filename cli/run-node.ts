import type { Config } from '../node/config/settings.ts'
import { type DataDir, ensureDataDir } from '../node/data-dir.ts'
import { controlEndpoint } from '../node/gateway/control-endpoint.ts'
import { controlHandlers, eventView } from '../node/gateway/control-handlers.ts'
import { ControlServer } from '../node/gateway/control-server.ts'
import { type StatusView, statusView } from '../node/gateway/views.ts'
import { ShoalNode } from '../node/node.ts'
import { NodeEvents } from '../node/node-events.ts'
import { openWallet } from '../node/payments/wallet.ts'
import { invocation } from './context.ts'
import { setUpNode } from './setup.ts'
import { type EventLine, narrate } from './ui/narrate.ts'
import { type Output, paint, properties } from './ui/output.ts'
import { findPassword } from './wallet-password.ts'

const STOP_TIMEOUT_MS = 12_000

/**
 * Runs a node in this process until it is told to stop, by a signal, by `shoal stop`, or because the program
 * that started it is gone.
 */
export async function runNode(options: { dataDir: DataDir; config: Config }, output: Output): Promise<void> {
  const { dataDir, config } = options
  await ensureDataDir(dataDir)
  const setup = await setUpNode(dataDir, () => Promise.resolve(null))
  if (setup.made.length > 0) output.note(`Made the ${setup.made.join(', the ')} in ${dataDir.root}.`)
  const wallet = findPassword(config, dataDir).then(password => openWallet(dataDir.wallet, password))
  // Looked at only when the node starts; until then a wrong password is not an unhandled rejection.
  wallet.catch(() => {})

  const events = new NodeEvents()
  events.on('event', event => {
    const line = eventView(event) as EventLine
    if (output.json) process.stdout.write(`${JSON.stringify(line)}\n`)
    else {
      const words = narrate(line)
      if (words !== null) process.stderr.write(`${words}\n`)
    }
  })

  const stopping = Promise.withResolvers<string>()
  const onSignal = (signal: NodeJS.Signals) => {
    process.once(signal, () => process.exit(130))
    stopping.resolve(signal)
  }
  process.once('SIGINT', onSignal)
  process.once('SIGTERM', onSignal)
  // Started by another program that is gone now: there is nobody left to stop us.
  if (process.channel !== undefined) process.once('disconnect', () => stopping.resolve('disconnect'))

  const node = await ShoalNode.start({ dataDir, config, wallet }, { events })
  const control = new ControlServer(
    { endpoint: controlEndpoint(dataDir) },
    { handlers: controlHandlers(node, () => stopping.resolve('stop')), log: node.log },
  )
  await control.start()
  const status = statusView(node)
  output.result({ type: 'ready', ...status }, () => describe(status, config['models.serve'].length > 0))

  await stopping.promise
  output.note('\nStopping …')
  const timeout = setTimeout(() => process.exit(1), STOP_TIMEOUT_MS)
  await control.stop()
  await node.stop()
  clearTimeout(timeout)
  process.exit(0)
}

function describe(status: StatusView, serves: boolean): string {
  return [
    `${paint('green', '✓')} ${paint('bold', 'The node is up.')}`,
    properties([
      ['Node', status.peerId],
      ['Wallet', status.wallet],
      ['Listens', status.addresses.join('\n         ') || '(no address that others have confirmed yet)'],
      ['Chain', `${status.chain.url} (id ${status.chain.chainId})`],
      ['Offers', serves ? 'models are loading …' : 'nothing; it only asks others'],
    ]),
    `Ask with ${paint('bold', `${invocation()} ask "…"`)}, look around with ${paint('bold', `${invocation()} status`)}. Ctrl-C stops it.`,
  ].join('\n')
}
