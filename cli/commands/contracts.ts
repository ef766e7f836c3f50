import { type Command, Option } from 'commander'
import { wholeNumber } from '../arguments.ts'
import { outputFrom } from '../context.ts'
import { type ChainOptions, withChainOptions, withContractsOption } from './chain-options.ts'
import { registerEmission } from './emission.ts'

export interface DeployCommandOptions extends ChainOptions {
  keyFile?: string
  network: 'local' | 'testnet' | 'mainnet'
  parameters?: string
  out: string
  journal?: string
  confirmations: number
  dryRun?: boolean
}

export interface DeployedOptions extends ChainOptions {
  contracts?: string
}

const EXIT_STATUS = 'Exit status: 0 done, 1 failed, 2 usage, 5 no money for gas.'

export function registerContracts(program: Command): void {
  const contracts = program
    .command('contracts')
    .description('Deploy the contracts to a chain, verify them, look at them, share out what they mint')
    .addHelpText(
      'after',
      '\nExamples:\n  $ shoal contracts deploy --rpc URL --network testnet --dry-run\n  $ shoal contracts verify --rpc URL --json',
    )

  withChainOptions(contracts.command('deploy'))
    .description('Deploy and wire all contracts, and write the file that shoal up --contracts takes')
    .option('--key-file <file>', 'File with the private key, in hex, of the account that deploys')
    .addOption(
      new Option('--network <name>', 'Whose parameters to take')
        .choices(['local', 'testnet', 'mainnet'])
        .makeOptionMandatory(),
    )
    .option('--parameters <file>', 'JSON with parameters that take the place of the network’s')
    .option('--out <file>', 'Where to write the addresses', 'contracts.json')
    .option('--journal <folder>', 'Where to write what was sent; again with it goes on where it stopped')
    .option('--confirmations <n>', 'Blocks to wait for', wholeNumber('--confirmations', 1, 1_000), 1)
    .option('--dry-run', 'Print what would be deployed and what it costs; send nothing')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal contracts deploy --rpc URL --network testnet --key-file key --dry-run
  $ shoal contracts deploy --rpc URL --network testnet --key-file key --journal sent

Without --key-file the chain's first unlocked account deploys. It keeps no power
over the contracts. Amounts in --parameters are base units, as "1000n"; for
example {"guardian": "0x…", "genesisRecipient": "0x…"}.

${EXIT_STATUS}`,
    )
    .action(async (options: DeployCommandOptions) => {
      const { deployCommand } = await import('../contracts.ts')
      await deployCommand(options, outputFrom(options))
    })

  withContractsOption(withChainOptions(contracts.command('verify')))
    .description('Compare the code on chain with ours, and who has power over the contracts')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal contracts verify --rpc URL --contracts contracts.json
  $ shoal contracts verify --rpc URL --json

What governance changed since the deployment, such as the court, is told too.

Exit status: 0 all as it must be, 1 something is not.`,
    )
    .action(async (options: DeployedOptions) => {
      const { verifyCommand } = await import('../contracts.ts')
      await verifyCommand(options, outputFrom(options))
    })

  withContractsOption(withChainOptions(contracts.command('status')))
    .description('Print the parameters as they stand, supply, stake, pause, court and versions')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal contracts status --rpc URL --contracts contracts.json
  $ shoal contracts status --rpc URL --json

${EXIT_STATUS}`,
    )
    .action(async (options: DeployedOptions) => {
      const { statusCommand } = await import('../contracts.ts')
      await statusCommand(options, outputFrom(options))
    })

  registerEmission(contracts)
}
