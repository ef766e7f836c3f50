import type { DoorView } from '../node/gateway/http/door.ts'
import { type Output, paint, properties } from './ui/output.ts'

/** For whom a door is opened. */
export interface ServeOptions {
  /** Says how programs made for OpenAI find it, and nothing of the rest. */
  openai: boolean
}

/** Where an open door is, and what clients are to be told. */
export function describeDoor(
  door: DoorView,
  output: Output,
  options: ServeOptions = { openai: false },
): string {
  const { url, isLoopback } = door
  const key = isLoopback ? 'shoal' : 'YOUR-KEY'
  return output.copyable(
    [
      `${paint('green', '✓')} ${paint('bold', 'The door is open.')}`,
      properties([
        ['OpenAI', `${url}/v1`],
        ...(options.openai
          ? []
          : ([
              ['Page', door.ownerLink ?? url],
              ['API', `${url}/openapi.json`],
            ] as [string, string][])),
      ]),
      'Programs made for OpenAI find it by',
      `  ${paint('bold', `export OPENAI_BASE_URL=${url}/v1 OPENAI_API_KEY=${key}`)}`,
      ...(door.ownerLink === null || options.openai
        ? []
        : [
            'The page’s link signs you in as the owner, once, within 15 minutes; shoal keys owner makes another.',
          ]),
      ...(isLoopback ? ['On this machine any key will do: your node pays, within its daily limit.'] : []),
    ].join('\n'),
  )
}
