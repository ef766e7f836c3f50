import { type Command, Option } from 'commander'
import { wholeNumber } from '../arguments.ts'
import { outputFrom } from '../context.ts'
import { type ChainOptions, withChainOptions, withContractsOption } from './chain-options.ts'

interface EmissionChainOptions extends ChainOptions {
  contracts?: string
  keyFile?: string
  epoch?: number
  confirmations: number
}

export interface EmissionCommandOptions extends EmissionChainOptions {
  pool: 'providers' | 'learners'
  rounds?: string
  data?: string
  out?: string
  against?: string
  propose?: boolean
  dispute?: boolean
}

export interface ClaimCommandOptions extends EmissionChainOptions {
  pool?: 'providers' | 'learners'
  distribution: string
  account?: string
}

export function registerEmission(contracts: Command): void {
  withEmissionOptions(contracts.command('emission'))
    .description('Compute who gets what of an epoch, compare it with the proposal, propose or dispute')
    .addOption(poolOption().default('providers'))
    .option(
      '--rounds <file>',
      'JSON with the accepted rounds; for the learners (default: of the running node)',
    )
    .option(
      '--data <folder>',
      'Data folder of the node that knows the rounds (default: $SHOAL_DATA, or ~/.shoal)',
    )
    .option('--out <file>', 'Where to write the tree of claims, for all who claim or check')
    .option('--against <file>', 'The tree that was proposed, to see which accounts differ')
    .addOption(new Option('--propose', 'Propose it, with a bond').conflicts('dispute'))
    .option('--dispute', 'Dispute a proposal that differs, with a bond')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal contracts emission --rpc URL --contracts contracts.json --out tree.json
  $ shoal contracts emission --rpc URL --epoch 3 --against theirs.json --json
  $ shoal contracts emission --rpc URL --epoch 3 --pool learners --out learners.json
  $ shoal contracts emission --rpc URL --epoch 3 --propose --key-file key
  $ shoal contracts emission --rpc URL --epoch 3 --dispute --key-file key

Without --epoch it is the latest that is over. The chain's node must know the state
at the end of the epoch. Who proposes or disputes is an active Validator; without
--key-file the chain's first unlocked account. A round in --rounds is
{"round": NAME, "learners": [{"account": ADDRESS, "weight": "1"}]}.

Exit status: 0 done, 1 failed or the proposal differs, 2 usage, 5 no money.`,
    )
    .action(async (options: EmissionCommandOptions) => {
      const { emissionCommand } = await import('../emission.ts')
      await emissionCommand(options, outputFrom(options))
    })

  withEmissionOptions(contracts.command('claim'))
    .description('Mint what an account may claim of an epoch; anyone may pay the gas')
    .addOption(poolOption())
    .requiredOption('--distribution <file>', 'The tree of claims, as --out of emission writes it')
    .option('--account <address>', 'Whose claim (default: of the account that pays the gas)')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal contracts claim --rpc URL --distribution tree.json --key-file key
  $ shoal contracts claim --rpc URL --distribution tree.json --account 0x… --json

--epoch and --pool are checked against the file. The claim opens when nobody has
disputed the proposal in its window, and ends 12 epochs after its own.

Exit status: 0 done, 1 failed, 2 usage, 5 no money for gas.`,
    )
    .action(async (options: ClaimCommandOptions) => {
      const { claimCommand } = await import('../emission.ts')
      await claimCommand(options, outputFrom(options))
    })
}

function poolOption(): Option {
  return new Option('--pool <name>', 'Whose pool').choices(['providers', 'learners'])
}

function withEmissionOptions(command: Command): Command {
  return withContractsOption(withChainOptions(command))
    .option('--epoch <n>', 'Number of the epoch', wholeNumber('--epoch', 0, 1_000_000))
    .option('--key-file <file>', 'File with the private key, in hex, of the account that sends')
    .option(
      '--confirmations <n>',
      'Blocks that the end of the epoch, and what is sent, must be deep',
      wholeNumber('--confirmations', 1, 1_000),
      3,
    )
}
