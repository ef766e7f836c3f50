import { setTimeout as sleep } from 'node:timers/promises'
import type { LearningView, RoundDetailView, RoundView } from '../../node/gateway/learning-views.ts'
import { type CommonOptions, outputFrom, runningNode } from '../context.ts'
import { paint } from '../ui/output.ts'
import { columnsOf } from '../ui/terminal.ts'
import { describeLearning, describeRound, describeRounds, phaseBar } from './round-report.ts'

const LOOK_EVERY_MS = 1_000

/** `shoal learn status`: what learning is doing, or one round, which can be followed to its end. */
export async function showLearning(
  round: string | undefined,
  options: CommonOptions & { follow?: boolean },
): Promise<void> {
  const output = outputFrom(options)
  const client = await runningNode(options, output)
  if (round === undefined) {
    const view = (await client.call('learning', {})) as LearningView
    output.result(view, () => describeLearning(view, output))
    return
  }
  const look = async () => (await client.call('round', { round })) as RoundDetailView
  let view = await look()
  const screen = options.follow === true ? process.stderr : null
  let rows = 0
  const clear = () => {
    if (rows > 0) screen?.write(`\u001b[${rows}A\u001b[0J`)
    rows = 0
  }
  let told = ''
  while (screen !== null && view.phase !== 'done' && view.phase !== 'failed') {
    if (screen.isTTY === true && options.json !== true) {
      const text = `${describeRound(view, output, Date.now())}\n`
      const columns = columnsOf(screen, {})
      const drawn = text
        .split('\n')
        .reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / columns)), -1)
      clear()
      screen.write(text)
      rows = drawn
    } else if (view.phase !== told) {
      told = view.phase
      screen.write(`${phaseBar(view, Date.now())}\n`)
    }
    await sleep(LOOK_EVERY_MS)
    view = await look()
  }
  clear()
  output.result(view, () => describeRound(view, output, Date.now()))
}

/** `shoal learn rounds`. */
export async function listRounds(options: CommonOptions): Promise<void> {
  const output = outputFrom(options)
  const rounds = (await (await runningNode(options, output)).call('rounds', {})) as RoundView[]
  output.result(rounds, () => describeRounds(rounds, output))
}

/** `shoal learn join`. */
export async function joinRound(round: string, options: CommonOptions): Promise<void> {
  const output = outputFrom(options)
  const client = await runningNode(options, output)
  const view = (await client.call('joinRound', { round })) as RoundDetailView
  output.result(view, () =>
    output.copyable(
      `${paint('green', '✓')} This node takes part in ${view.name}; shoal learn status ${view.name} follows it.`,
    ),
  )
}

/** `shoal learn propose`. */
export async function proposeRound(
  choices: Record<string, unknown>,
  options: CommonOptions & { follow?: boolean },
): Promise<void> {
  const output = outputFrom(options)
  const client = await runningNode(options, output)
  const view = (await client.call('proposeRound', choices as never)) as RoundDetailView
  if (options.follow === true) {
    await showLearning(view.round, options)
    return
  }
  output.result(view, () =>
    output.copyable(
      `${paint('green', '✓')} Proposed ${view.name}: ${view.round}\n  Others may join until ${new Date(view.deadlines.join!).toLocaleTimeString()}; shoal learn status ${view.name} follows it.`,
    ),
  )
}
