import type { Command } from 'commander'
import {
  type CommonOptions,
  dataDirFrom,
  invocation,
  outputFrom,
  usageError,
  withCommonOptions,
} from '../context.ts'
import { paint, properties } from '../ui/output.ts'

interface InitOptions extends CommonOptions {
  passwordFile?: string
  yes?: boolean
}

export function registerInit(program: Command): void {
  withCommonOptions(program.command('init'))
    .description('make the keys, the wallet and the config file of a node')
    .option('--password-file <file>', 'file with the password for the new wallet')
    .option('--yes', 'ask nothing: make up a password and keep it in the data folder')
    .addHelpText(
      'after',
      '\nExample:\n  $ shoal init\n  $ shoal init --data /srv/shoal --password-file /run/secrets/wallet',
    )
    .action(async (options: InitOptions) => {
      const { setUpNode } = await import('../setup.ts')
      const output = outputFrom(options)
      const setup = await setUpNode(dataDirFrom(options), () => choosePassword(options))
      output.result(setup, () =>
        [
          setup.made.length === 0
            ? 'This node is set up already; nothing was changed.'
            : `${paint('green', '✓')} Made the ${setup.made.join(', the ')}.`,
          '',
          properties([
            ['Folder', setup.dataDir],
            ['Node', `${setup.peerId}  (its key, node.key, is your identity on the network)`],
            ['Wallet', `${setup.wallet}  (wallet.json, encrypted; credits and gas money go here)`],
            ['Config', setup.config],
          ]),
          '',
          'Back up node.key and wallet.json with its password: whoever has them is this node, and without them it is lost.',
          `Next: ${paint('bold', `${invocation()} up --local`)} to try it alone, or ${paint('bold', `${invocation()} up --rpc URL --bootstrap ADDRESS`)} to join a network.`,
        ].join('\n'),
      )
    })
}

async function choosePassword(options: InitOptions): Promise<string | null> {
  if (options.passwordFile !== undefined) {
    const { readPasswordFile } = await import('../../node/payments/wallet.ts')
    return readPasswordFile(options.passwordFile)
  }
  if (options.yes === true || options.json === true || !process.stdin.isTTY) return null
  const { askPassword } = await import('../wallet-password.ts')
  const first = await askPassword(
    'Password for the new wallet (empty: make one up and keep it in the data folder):',
  )
  if (first === '') return null
  if ((await askPassword('The same again:')) !== first)
    throw usageError('the two passwords differ', 'Run shoal init again.')
  return first
}
