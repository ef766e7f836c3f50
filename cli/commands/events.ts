import type { Command } from 'commander'
import { CHANNELS, type Channel } from '../../node/events/channels.ts'
import type { EventPageView } from '../../node/gateway/event-views.ts'
import { wholeNumber } from '../arguments.ts'
import { type CommonOptions, outputFrom, runningNode, usageError, withCommonOptions } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { type Output, paint } from '../ui/output.ts'
import { readableTime } from '../ui/readable.ts'
import { printable } from '../ui/terminal.ts'

interface EventsOptions extends CommonOptions {
  follow?: boolean
  from?: string
  channel?: Channel[]
  limit: number
}

const DEFAULT_LIMIT = 50
const PAGE_EVENTS = 1_000
const MAX_LIMIT = 1_000_000
const SHOWN_TEXT = 40

/** The command that shows what happens at the running node. */
export function registerEvents(program: Command): void {
  withCommonOptions(program.command('events'))
    .summary('Show what happens at the node, and what has happened')
    .description('Show the latest events of the running node, those from a point on, or each as it happens')
    .option('-f, --follow', 'Go on with each event as it happens')
    .option('--from <id>', 'Begin after the event of this id, or with all that is kept: start')
    .option('--channel <channels>', `Only these, separated by commas: ${CHANNELS.join(', ')}`, channelsFrom)
    .option(
      '--limit <n>',
      'How many at most; with --follow, of the latest before those that come',
      wholeNumber('--limit', 1, MAX_LIMIT),
      DEFAULT_LIMIT,
    )
    .addHelpText(
      'after',
      `
Examples:
  $ shoal events
  $ shoal events --follow --channel tasks,receipts
  $ shoal events --from start --limit 10000 --json > events.jsonl
  $ shoal events --follow --from 1041 --json | jq -c 'select(.type == "task-ended")'

Each event has an id that grows; who comes back with --from misses none, or is told
which were removed meanwhile. With --json each is one line.

Exit status: 0, 3 no node runs, 130 interrupted while following.`,
    )
    .action(async (options: EventsOptions) => {
      const output = outputFrom(options)
      const { follow = false, channel: channels = null, limit } = options
      const client = await runningNode(options, output)
      const stop = new AbortController()
      if (follow) {
        process.once('SIGINT', () => {
          process.exitCode = EXIT.interrupted
          stop.abort()
        })
      }
      let after = sequenceFrom(options.from)
      if (after === null && limit > PAGE_EVENTS) {
        throw usageError(`the latest events are ${PAGE_EVENTS} at most`, 'Say where to begin: --from start.')
      }
      let left = limit
      while (!stop.signal.aborted) {
        const isBehind = left > 0
        const page = (await client
          .call(
            'eventPage',
            { channels, after, limit: Math.min(isBehind ? left : PAGE_EVENTS, PAGE_EVENTS), wait: follow },
            stop.signal,
          )
          .catch((error: unknown) => {
            if (stop.signal.aborted) return null
            throw error
          })) as EventPageView | null
        if (page === null) return
        show(page, output)
        left -= page.events.length
        after = Number(page.lastId)
        if (!follow && (left <= 0 || page.lastId === page.newestId)) return
      }
    })
}

function show({ events, gaps }: EventPageView, output: Output): void {
  for (const { channel, from, to } of gaps) {
    output.result({ gap: { channel, from, to } }, () =>
      paint('yellow', `Events ${from} to ${to} of ${channel} were removed before they were read.`),
    )
  }
  for (const event of events) {
    const { id, time, channel, type, data } = event
    output.result(
      event,
      () => `${id.padStart(7)}  ${readableTime(time)}  ${channel.padEnd(8)}  ${type}  ${described(data)}`,
    )
  }
}

/** What is in an event, short. */
function described(data: Record<string, unknown>): string {
  return Object.entries(data)
    .flatMap(([name, value]) => {
      if (value === null || value === undefined) return []
      const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
      const short = text.length <= SHOWN_TEXT ? text : `${text.slice(0, SHOWN_TEXT / 2)}…${text.slice(-8)}`
      return [`${paint('dim', `${name}=`)}${printable(short)}`]
    })
    .join(' ')
}

/** Null for the latest. */
function sequenceFrom(from: string | undefined): number | null {
  if (from === undefined) return null
  if (from === 'start') return 0
  if (/^\d{1,15}$/.test(from)) return Number(from)
  throw usageError(
    `--from takes the id of an event, or start, not ${JSON.stringify(from)}`,
    'For example: --from 1041',
  )
}

function channelsFrom(value: string): Channel[] {
  const names = value.split(',').map(name => name.trim())
  const unknown = names.find(name => !(CHANNELS as readonly string[]).includes(name))
  if (unknown === undefined) return names as Channel[]
  throw usageError(`there is no channel ${JSON.stringify(unknown)}`, `There are ${CHANNELS.join(', ')}.`)
}
