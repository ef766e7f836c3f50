import type { Config } from '../node/config/settings.ts'
import type { DataDir } from '../node/data-dir.ts'
import { jsonOf } from '../node/events/json.ts'
import { controlEndpoint } from '../node/gateway/control-endpoint.ts'
import { controlHandlers } from '../node/gateway/control-handlers.ts'
import { ControlServer } from '../node/gateway/control-server.ts'
import { Door, type DoorView } from '../node/gateway/http/door.ts'
import { ServedModels } from '../node/gateway/served-models.ts'
import { type StatusView, statusView } from '../node/gateway/views.ts'
import { ShoalNode } from '../node/node.ts'
import { NodeEvents } from '../node/node-events.ts'
import { openWallet } from '../node/payments/wallet.ts'
import { isShoalError, ShoalError } from '../protocol/errors.ts'
import { EXIT, exitCodeOf } from './exit-codes.ts'
import { expectedError } from './expected-error.ts'
import { describeDoor, type ServeOptions } from './serve.ts'
import { setUpNode } from './setup.ts'
import { StopRequest } from './stop-request.ts'
import { EventPrinter } from './ui/event-printer.ts'
import type { EventLine } from './ui/narrate.ts'
import { type Output, paint, properties } from './ui/output.ts'
import { findPassword, givenPassword } from './wallet-password.ts'

export interface RunOptions {
  dataDir: DataDir
  config: Config
  /** Started by `up --detach`, which waits to hear how that went. */
  inBackground: boolean
  /** Run for its door: that is told first. */
  serves?: ServeOptions
}

/** What a node in the background tells the command that started it. */
export type FromBackground =
  | { status: StatusView; door: DoorView | null }
  | { error: ReturnType<ShoalError['toJSON']> }

const STOP_TIMEOUT_MS = 12_000

/**
 * Runs a node in this process until it is told to stop: by a signal, by `shoal stop`, or because the program
 * that started it or reads its output is gone. Ends the process, also when the node cannot start.
 */
export async function runNode(options: RunOptions, output: Output): Promise<never> {
  // Databases, logs and sockets are nobody else's.
  process.umask(0o077)
  const stop = new StopRequest()
  stop.listen({ withParent: !options.inBackground })
  const printer = new EventPrinter({ output })
  void stop.asked.then(() => {
    printer.stop()
    output.note('\nStopping …')
    // What hangs is left to the system; the processes of chain and engine end with this one.
    setTimeout(() => process.exit(EXIT.failed), STOP_TIMEOUT_MS).unref()
  })
  try {
    const { node, control, door } = await startNode(options, { stop, output, printer })
    if (!stop.isAsked) {
      const status = statusView(node)
      // What the background prints goes into a file, where no link of the owner's is to lie.
      const open = options.inBackground ? door.view : door.invite()
      printer.above(() =>
        output.result({ type: 'ready', ...status, door: open }, () =>
          [
            describe(status, options.config, output),
            ...(open === null ? [] : [describeDoor(open, output, options.serves)]),
          ].join('\n'),
        ),
      )
      if (options.inBackground) process.send?.({ status, door: door.invite() } satisfies FromBackground)
    }
    await stop.asked
    await door.stop()
    await control.stop()
    await node.stop()
  } catch (error) {
    // What fails because it was interrupted is no failure.
    if (!stop.isAsked) await failed(error, options, output)
  }
  process.exit(EXIT.ok)
}

async function startNode(
  options: RunOptions,
  modules: { stop: StopRequest; output: Output; printer: EventPrinter },
): Promise<{ node: ShoalNode; control: ControlServer; door: Door }> {
  const { dataDir, config } = options
  const { stop, output, printer } = modules
  const setup = await setUpNode(dataDir, () => givenPassword(config))
  if (setup.made.length > 0) output.note(`Made the ${setup.made.join(', the ')} in ${dataDir.root}.`)
  const wallet = findPassword(config, dataDir).then(password => openWallet(dataDir.wallet, password))
  // Looked at only when the node starts; until then a wrong password is not an unhandled rejection.
  wallet.catch(() => {})

  const events = new NodeEvents()
  const served = new ServedModels(events)
  events.on('event', event => printer.print(jsonOf(event) as unknown as EventLine))
  const node = await ShoalNode.start({ dataDir, config, wallet }, { events })
  const shutDown = () => stop.ask()
  const door = new Door({ node, served, shutDown })
  const control = new ControlServer(
    { endpoint: controlEndpoint(dataDir) },
    { handlers: controlHandlers(node, { served, door, shutDown }), log: node.log },
  )
  try {
    await control.start()
    const listen = config['gateway.listen']
    if (listen !== null) await door.open(listen)
  } catch (error) {
    await control.stop()
    await node.stop()
    throw error
  }
  return { node, control, door }
}

async function failed(error: unknown, options: RunOptions, output: Output): Promise<never> {
  const told = withStartFix(error)
  output.error(told)
  const expected = expectedError(told)
  if (options.inBackground && expected !== null) {
    const message: FromBackground = { error: expected.toJSON() }
    await new Promise(resolve => process.send?.(message, resolve))
  }
  process.exit(exitCodeOf(told))
}

/** Without the contracts' addresses a node cannot begin before the chain answers. */
function withStartFix(error: unknown): unknown {
  if (!isShoalError(error, 'CHAIN_UNREACHABLE')) return error
  return new ShoalError('CHAIN_UNREACHABLE', error.message, {
    fix: 'Check --rpc and your connection. With --contracts FILE a node starts without its chain and keeps trying.',
    details: error.details,
    cause: error,
  })
}

function describe(status: StatusView, config: Config, output: Output): string {
  const { chain, addresses } = status
  const isLocal = config['chain.rpc'] === 'local'
  return output.copyable(
    [
      `${paint('green', '✓')} ${paint('bold', 'The node is up.')}`,
      properties([
        ['Node', status.peerId],
        ['Wallet', status.wallet],
        ['Listens', addresses.join('\n') || 'no address that others have confirmed yet'],
        [
          'Chain',
          `${isLocal ? 'its own, ' : ''}${chain.url} (id ${chain.chainId})${chain.connected ? '' : '; it does not answer yet'}`,
        ],
        ['Offers', describeOffers(config['models.serve'])],
      ]),
      ...(isLocal ? [describeJoining(chain.url, addresses)] : []),
      `${paint('bold', 'shoal status')} shows how it does, ${paint('bold', 'shoal ask "…"')} asks the others. Ctrl-C stops it.`,
    ].join('\n'),
  )
}

function describeOffers(models: readonly string[]): string {
  return models.length === 0 ? 'nothing; it only asks others' : `${models.join(', ')}, once loaded`
}

/** A chain of one's own has nobody else on it: how another node gets there. */
function describeJoining(rpcUrl: string, addresses: readonly string[]): string {
  const [address] = addresses.filter(each => !each.includes('/ws'))
  return [
    'Another node on this machine joins it with',
    `  ${paint('bold', `shoal up --data ANOTHER-FOLDER --rpc ${rpcUrl} --listen /ip4/127.0.0.1/tcp/0${address === undefined ? '' : ` --bootstrap ${address}`}`)}`,
  ].join('\n')
}
