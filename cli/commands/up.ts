import { type Command, Option } from 'commander'
import { type CommonOptions, dataDirFrom, outputFrom, withCommonOptions } from '../context.ts'
import { configFrom, withSettings } from '../setting-flags.ts'

interface UpOptions extends CommonOptions, Record<string, unknown> {
  detach?: boolean
  background?: boolean
}

export function registerUp(program: Command): void {
  const command = withCommonOptions(program.command('up'))
    .summary('Run a node: join, offer models, take and give tasks')
    .description('Run a node: join the network, offer models, take and give tasks')
    .option('-d, --detach', 'Run in the background; shoal stop ends it')
    // How --detach starts the node itself.
    .addOption(new Option('--background').hideHelp())
  withSettings(command)
    .addHelpText(
      'after',
      `
Examples:
  $ shoal up --local
  $ shoal up --rpc http://127.0.0.1:8545 --contracts contracts.json
  $ shoal up --model ./my-model.gguf --price-output 2
  $ shoal up --model hf:Qwen/Qwen3-0.6B-GGUF:Q8_0 --detach

Each flag may be set for good in the config file, or by an environment variable:
shoal config check shows which. A model that cannot be loaded does not keep the
node from running: shoal models says what became of each. With --json, what
happens is told as one JSON object a line; that of type "ready" says it is up.

Exit status: 0 stopped as asked (Ctrl-C, shoal stop), 1 failed, 2 usage or settings.`,
    )
    .action(async (options: UpOptions) => {
      const output = outputFrom(options)
      const { config } = await configFrom(options)
      const node = { dataDir: dataDirFrom(options), config }
      if (options.detach === true && options.background !== true) {
        const { detach } = await import('../detach.ts')
        await detach(node, options, output)
      } else {
        const { runNode } = await import('../run-node.ts')
        await runNode({ ...node, inBackground: options.background === true }, output)
      }
    })
}
