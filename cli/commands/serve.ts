import { type Command, Option } from 'commander'
import type { DoorView } from '../../node/gateway/http/door.ts'
import {
  type CommonOptions,
  dataDirFrom,
  outputFrom,
  runningNodeOrNull,
  withCommonOptions,
} from '../context.ts'
import { configFrom, withSettings } from '../setting-flags.ts'

interface ServeCommandOptions extends CommonOptions, Record<string, unknown> {
  openai?: boolean
  detach?: boolean
  background?: boolean
}

export function registerServe(program: Command): void {
  const command = withCommonOptions(program.command('serve'))
    .summary('Open the door for programs and people: OpenAI’s API, the page')
    .description(
      'Open the door of the running node over HTTP, or of one started now: OpenAI’s API and others for programs, a page for people',
    )
    .option('--openai', 'Say only what programs made for OpenAI need')
    .option('-d, --detach', 'Run in the background; shoal stop ends it')
    .addOption(new Option('--background').hideHelp())
  withSettings(command, { hidden: true })
    .addHelpText(
      'after',
      `
Examples:
  $ shoal serve
  $ shoal serve --openai
  $ shoal serve --gateway 127.0.0.1:8080 --detach
  $ shoal serve --rpc http://127.0.0.1:8545 --contracts contracts.json

It listens on 127.0.0.1:4114 unless --gateway, SHOAL_GATEWAY_LISTEN or the setting
gateway.listen says otherwise. A node that is started for it takes all the flags of
shoal up; without any it has a chain of its own.

Exit status: 0 opened, or stopped as asked (Ctrl-C, shoal stop), 1 failed, 2 usage or settings.`,
    )
    .action(async (options: ServeCommandOptions) => {
      const output = outputFrom(options)
      const serves = { openai: options.openai === true }
      const running = options.background === true ? null : await runningNodeOrNull(options)
      if (running !== null) {
        const { gateway } = options as { gateway?: string }
        const door = (await running.call('openDoor', { listen: gateway ?? null })) as DoorView
        const { describeDoor } = await import('../serve.ts')
        output.result(door, () => describeDoor(door, output, serves))
        return
      }
      const { config } = await configFrom(options)
      const { DEFAULT_LISTEN } = await import('../../node/gateway/http/listen-address.ts')
      const listen = config['gateway.listen'] ?? DEFAULT_LISTEN
      const node = { dataDir: dataDirFrom(options), config: { ...config, 'gateway.listen': listen } }
      if (options.detach === true && options.background !== true) {
        const { detach } = await import('../detach.ts')
        await detach(node, options, output, serves)
      } else {
        const { runNode } = await import('../run-node.ts')
        await runNode({ ...node, inBackground: options.background === true, serves }, output)
      }
    })
}
