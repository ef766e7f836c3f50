import type { Command } from 'commander'
import { type CommonOptions, dataDirFrom, outputFrom, usageError, withCommonOptions } from '../context.ts'
import { configFrom } from '../setting-flags.ts'
import type { NodeSetup } from '../setup.ts'
import { type Output, paint, properties } from '../ui/output.ts'

interface InitOptions extends CommonOptions, Record<string, unknown> {
  passwordFile?: string
  yes?: boolean
}

export function registerInit(program: Command): void {
  withCommonOptions(program.command('init'))
    .description('Make the keys, the wallet and the config file of a node')
    .option('--password-file <file>', 'File with the password for the new wallet')
    .option('-y, --yes', 'Ask nothing: make up a password and keep it in the data folder')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal init
  $ shoal init --data /srv/shoal --password-file /run/secrets/wallet

What is there already is never changed. The password may also come from SHOAL_WALLET_PASSWORD.`,
    )
    .action(async (options: InitOptions) => {
      const { setUpNode } = await import('../setup.ts')
      const output = outputFrom(options)
      process.umask(0o077)
      const { config } = await configFrom(options)
      const { givenPassword } = await import('../wallet-password.ts')
      const setup = await setUpNode(
        dataDirFrom(options),
        async () => (await givenPassword(config)) ?? (await choosePassword(options)),
      )
      output.result(setup, () => describeSetup(setup, output))
    })
}

function describeSetup(setup: NodeSetup, output: Output): string {
  const { made, passwordFile } = setup
  return output.copyable(
    [
      made.length === 0
        ? 'This node is set up already; nothing was changed.'
        : `${paint('green', '✓')} Made the ${listed(made)}.`,
      '',
      properties([
        ['Folder', `${setup.dataDir}  (all a node must not lose; readable by you alone)`],
        ['Node', `${setup.peerId}  (its key, node.key, is your identity on the network)`],
        ['Wallet', `${setup.wallet}  (wallet.json, encrypted; credits and gas money go here)`],
        [
          'Password',
          passwordFile === null ? 'known to you alone' : `${passwordFile}  (opens the wallet at each start)`,
        ],
        ['Config', setup.config],
      ]),
      '',
      'Back up node.key and wallet.json with its password: whoever has them is this node, and without them it is lost.',
      `Next: ${paint('bold', 'shoal up --local')} to try it on a chain of its own, or ${paint('bold', 'shoal up --rpc URL --bootstrap ADDRESS')} to join a network.`,
    ].join('\n'),
  )
}

/** `a`, `a and b`, `a, b and c`. */
function listed(words: readonly string[]): string {
  return [words.slice(0, -1).join(', '), words.at(-1)].filter(part => part !== '').join(' and ')
}

async function choosePassword(options: InitOptions): Promise<string | null> {
  const { askPassword, canAsk } = await import('../wallet-password.ts')
  if (options.yes === true || options.json === true || !canAsk()) return null
  const first = await askPassword(
    'Password for the new wallet (empty: make one up and keep it in the data folder):',
  )
  if (first === '') return null
  if ((await askPassword('The same again:')) !== first)
    throw usageError('the two passwords differ', 'Run shoal init again.')
  return first
}
