import type { Command } from 'commander'

export interface ChainOptions {
  rpc: string
  json?: boolean
}

export function withChainOptions(command: Command): Command {
  return command
    .requiredOption('--rpc <url>', 'JSON-RPC of the chain')
    .option('--json', 'Print JSON for scripts')
}

export function withContractsOption(command: Command): Command {
  return command.option(
    '--contracts <file>',
    'File with the addresses; without it, an embedded chain is asked',
  )
}
