import { resolve } from 'node:path'
import { chainCheck } from '../node/auditlog/chain-check.ts'
import { type InclusionProof, verifyInclusion } from '../node/auditlog/merkle.ts'
import { proveEvent, readEvent, verifyAuditLog } from '../node/auditlog/verify.ts'
import { ChainClient } from '../node/chain/client.ts'
import type { DoorView } from '../node/gateway/http/door.ts'
import type { OfferView } from '../node/gateway/offer-views.ts'
import type { AskResultView, CandidateView, TaskEventView, WalletView } from '../node/gateway/views.ts'
import { isShoalError, ShoalError } from '../protocol/errors.ts'
import { formatCredits, parseCredits } from '../protocol/money.ts'
import { wasTriedOut } from './answer-printer.ts'
import type { DemoOptions } from './commands/demo.ts'
import { demoRoot, invocation } from './context.ts'
import { DEMO_NODES, DemoNetwork } from './demo/demo-network.ts'
import type { DemoNode } from './demo/demo-node.ts'
import { EXIT } from './exit-codes.ts'
import { modelName, type Output, paint, properties, shortHex, shortPeer, table } from './ui/output.ts'
import { count, inCredits } from './ui/readable.ts'
import { columnsOf } from './ui/terminal.ts'

const STEP_TIMEOUT_MS = 60_000
const MAX_TOKENS = 96
const INDENT = '    '

/** The one line of JSON a demo ends with. */
export interface DemoSummary {
  ok: boolean
  provider: string | null
  model: string | null
  outputTokens: number
  tokensPerSecond: number | null
  paid: string
  settlementTx: string | null
  anchorTx: string | null
  anchorVerified: boolean
  error?: { code: string; message: string }
}

/** Runs the demo from an empty folder to the proof, telling each step as it happens. */
export async function runDemo(options: DemoOptions, output: Output): Promise<void> {
  const root = resolve(options.data ?? demoRoot())
  const summary: DemoSummary = {
    ok: false,
    provider: null,
    model: null,
    outputTokens: 0,
    tokensPerSecond: null,
    paid: '0',
    settlementTx: null,
    anchorTx: null,
    anchorVerified: false,
  }
  const story = new Story()
  const network = new DemoNetwork({ root })
  const interrupted = Promise.withResolvers<'interrupted'>()
  process.once('SIGINT', () => interrupted.resolve('interrupted'))
  process.once('SIGTERM', () => interrupted.resolve('interrupted'))
  try {
    const run = (async () => {
      await story.start(network)
      await tell(story, network, options.prompt, summary)
    })()
    // An interruption ends the wait; what the run still does fails on the stopped network.
    run.catch(() => {})
    if ((await Promise.race([run, interrupted.promise])) === 'interrupted')
      throw new ShoalError('CANCELLED', 'the demo was stopped before its end')
    if (options.once !== true) {
      story.howToGoOn(root, await openDoor(network))
      await interrupted.promise
    }
  } catch (error) {
    summary.ok = false
    summary.error = {
      code: error instanceof ShoalError ? error.code : 'INTERNAL',
      message: error instanceof Error ? error.message : String(error),
    }
    const isStopped = isShoalError(error, 'CANCELLED')
    process.exitCode = isStopped ? EXIT.interrupted : EXIT.failed
    if (!output.json && !isStopped) output.error(error)
  }
  story.line(paint('dim', 'Stopping the nodes and the chain …'))
  await network.stop()
  if (options.once === true) await network.remove()
  if (output.json) output.result(summary, () => '')
  process.exit()
}

async function tell(story: Story, network: DemoNetwork, prompt: string, summary: DemoSummary): Promise<void> {
  const [alice] = network.nodes as [DemoNode, DemoNode, DemoNode]
  await story.meet(network)
  const before = await balances(network)
  const { result, receipt, tokensPerSecond } = await story.ask(alice, network, prompt)
  Object.assign(summary, {
    provider: result.provider,
    model: result.model,
    outputTokens: result.outputTokens,
    tokensPerSecond,
    paid: result.paid,
  })
  const provider = network.nodes.find(node => node.status?.peerId === result.provider)
  if (provider === undefined)
    throw new ShoalError('DEMO_STEP_FAILED', 'the provider is none of the demo’s nodes')
  summary.settlementTx = await story.settlement(provider, receipt.amount)
  const { transaction, verified } = await story.anchor(provider, network, receipt.id)
  summary.anchorTx = transaction
  summary.anchorVerified = verified
  const after = await balances(network)
  story.balances(before, after)
  const isAnswered = result.status === 'completed' && result.outputTokens > 0
  const isPaid = after.get(provider.name)! - before.get(provider.name)! === receipt.amount
  summary.ok = isAnswered && isPaid && verified
  if (!summary.ok) throw new ShoalError('DEMO_STEP_FAILED', 'the run did not end as it should')
}

/** @returns where the page is, for alice's owner */
async function openDoor({ nodes: [alice] }: DemoNetwork): Promise<string> {
  const { ownerLink, url } = (await alice!.control.call('openDoor', { listen: '127.0.0.1:0' })) as DoorView
  return ownerLink ?? url
}

async function balances(network: DemoNetwork): Promise<Map<string, bigint>> {
  const entries = await Promise.all(
    network.nodes.map(async node => {
      const wallet = (await node.control.call('wallet', {})) as WalletView
      return [node.name, totalOf(wallet)] as const
    }),
  )
  return new Map(entries)
}

/** All that belongs to a wallet: in it, in Settlement, and in channels not spent. */
function totalOf(wallet: WalletView): bigint {
  return parseCredits(wallet.credits) + parseCredits(wallet.settlementCredits) + parseCredits(wallet.locked)
}

/** What a provider has earned, and the record that says so. */
interface DemoReceipt {
  id: string
  amount: bigint
}

/** Tells the run in plain words, on stderr, so that stdout is free for the result. */
class Story {
  readonly #startedAtMs = performance.now()
  #step = 0

  line(text = ''): void {
    process.stderr.write(`${text}\n`)
  }

  async start(network: DemoNetwork): Promise<void> {
    this.#heading('A chain and three nodes start on this machine')
    await network.start(chain => {
      this.#done(
        `An EVM chain answers at ${chain.rpcUrl} (id ${chain.chainId}), with Shoal's contracts on it:`,
      )
      this.#lines(INDENT, properties(Object.entries(chain.addresses)))
    })
    for (const node of network.nodes) {
      const { model, input, output } = DEMO_NODES.find(({ name }) => name === node.name)!
      this.#done(
        `${paint('bold', node.name.padEnd(5))} ${shortPeer(node.status!.peerId)}, wallet ${shortHex(node.status!.wallet)}: runs ${model} for ${input} credits a million prompt tokens, ${output} a million of output`,
      )
    }
  }

  async meet(network: DemoNetwork): Promise<void> {
    this.#heading('They find each other; bob and carol know only alice’s address')
    const [alice] = network.nodes as [DemoNode]
    await Promise.all(
      network.nodes.map(node =>
        node.waitFor(
          'the model',
          ({ type, state }) => {
            if (type === 'model' && state === 'failed')
              throw new ShoalError('DEMO_STEP_FAILED', `${node.name} could not load its model`)
            return type === 'model' && state === 'ready'
          },
          STEP_TIMEOUT_MS,
        ),
      ),
    )
    const others = network.nodes.filter(node => node !== alice)
    await Promise.all(
      network.nodes.flatMap(node =>
        network.nodes
          .filter(other => other !== node)
          .map(other =>
            node.waitFor(
              `the offer of ${other.name}`,
              ({ type, provider }) => type === 'offer' && provider === other.status!.peerId,
              STEP_TIMEOUT_MS,
            ),
          ),
      ),
    )
    const offers = (await alice.control.call('offers', {})) as OfferView[]
    this.#done(`Each knows the offers of the other two. What alice sees (prices for a million tokens):`)
    const rows = others.map(node => {
      const offer = offers.find(({ provider }) => provider === node.status!.peerId)
      return offer === undefined
        ? [node.name]
        : [
            node.name,
            modelName(offer.model),
            offer.quantization,
            `${(offer.parameters / 1e6).toFixed(1)} M`,
            offer.inputPerMillion,
            offer.outputPerMillion,
            offer.tokensPerSecond,
          ]
    })
    this.#table(['PROVIDER', 'MODEL', 'QUANT', 'SIZE', 'INPUT', 'OUTPUT', 'TOKENS/S'], rows)
  }

  async ask(
    alice: DemoNode,
    network: DemoNetwork,
    prompt: string,
  ): Promise<{ result: AskResultView; receipt: DemoReceipt; tokensPerSecond: number | null }> {
    this.#heading(`alice asks: ${paint('bold', JSON.stringify(prompt))}`)
    const nameOf = (peerId: string) =>
      network.nodes.find(node => node.status?.peerId === peerId)?.name ?? shortPeer(peerId)
    const answer = new AnswerLines()
    let receipt: DemoReceipt = { id: '', amount: 0n }
    let candidates: CandidateView[] = []
    const onEvent = (event: TaskEventView) => {
      if (event.type === 'ranked') {
        candidates = event.candidates
        this.#done(`${event.candidates.length} offers fit. What each would mean for this question:`)
        const rows = event.candidates.map(candidate => [
          nameOf(candidate.provider),
          modelName(candidate.model),
          candidate.expectedCost,
          `${Math.round(candidate.expectedSeconds * 1_000)} ms`,
          `${Math.round(candidate.reliability * 100)} %`,
        ])
        this.#table(['PROVIDER', 'MODEL', 'COSTS ABOUT', 'TAKES ABOUT', 'RELIABILITY'], rows)
      } else if (event.type === 'chosen') {
        this.#done(
          `Chosen: ${paint('bold', nameOf(event.candidate.provider))} with ${modelName(event.candidate.model)}, ${whyChosen(event.candidate, candidates)}.`,
        )
      } else if (event.type === 'funding') {
        this.#doing(
          `alice locks ${inCredits(event.amount)} in a channel to ${nameOf(answer.provider)} on chain; what is not spent comes back …`,
        )
      } else if (event.type === 'channel') {
        this.#done(`Channel ${shortHex(event.channelId)} is open.`)
      } else if (event.type === 'accepted') {
        this.#done(
          `Accepted: the prompt has ${event.promptTokens} tokens. The answer, and a voucher whenever 16 tokens are unpaid:`,
        )
      } else if (event.type === 'output') {
        answer.text(event.text, event.tokens)
      } else if (event.type === 'payment') {
        answer.voucher(event.cumulativeAmount)
      } else if (event.type === 'receipt') {
        answer.end()
        receipt = { id: event.receipt, amount: parseCredits(event.amount) }
        this.#done(`Receipt ${event.receipt}:`)
        this.line(
          `    ${event.outputTokens} tokens for ${event.amount} credits, signed by provider and requester.`,
        )
      } else if (event.type === 'failover') {
        answer.end()
        this.#doing(`${nameOf(event.from)} failed (${event.why}); the next goes on from what has come.`)
      }
      if (event.type === 'chosen') answer.provider = event.candidate.provider
    }
    const result = (await alice.control.stream(
      'ask',
      { messages: [{ role: 'user', content: prompt }], maxTokens: MAX_TOKENS },
      event => onEvent(event as TaskEventView),
      AbortSignal.timeout(STEP_TIMEOUT_MS),
    )) as AskResultView
    answer.end()
    return { result, receipt, tokensPerSecond: answer.tokensPerSecond() }
  }

  /** A claim may fall into the middle of the answer: then another one follows for the rest. */
  async settlement(provider: DemoNode, earned: bigint): Promise<string> {
    this.#heading(`${provider.name} is paid, by itself`)
    const told = new Set<string>()
    for (let claimed = 0n; ; ) {
      const settled = await provider.waitFor(
        'the settlement',
        ({ type, transaction }) => type === 'settled' && !told.has(String(transaction)),
        STEP_TIMEOUT_MS,
      )
      const transaction = String(settled.transaction)
      told.add(transaction)
      claimed += parseCredits(String(settled.amount))
      const isAll = claimed >= earned
      this.#done(
        `${provider.name} claimed ${String(settled.amount)} credits with the ${isAll ? 'last' : 'newest'} voucher: transaction ${transaction}`,
      )
      if (isAll) return transaction
    }
  }

  async anchor(
    provider: DemoNode,
    network: DemoNetwork,
    receipt: string,
  ): Promise<{ transaction: string; verified: boolean }> {
    this.#heading('Both can prove it')
    const sequence = await findReceiptEvent(provider, receipt)
    const anchored = await provider.waitFor(
      'the anchor',
      ({ type, lastSequence }) => type === 'anchored' && Number(lastSequence) >= sequence,
      STEP_TIMEOUT_MS,
    )
    const transaction = String(anchored.transaction)
    this.#done(
      `${provider.name} anchored events ${String(anchored.firstSequence)} to ${String(anchored.lastSequence)} of its audit log: transaction ${transaction}`,
    )
    const { rpcUrl, ...deployment } = network.chain
    const client = await ChainClient.connect({ rpcUrl, expectedChainId: null, deployment })
    try {
      const { wallet } = provider.status!
      const verdict = await verifyAuditLog(
        { path: provider.dataDir.auditLog },
        { checkAnchor: chainCheck(client, wallet) },
      )
      const proof =
        verdict.problem === null ? await proveEvent(provider.dataDir.auditLog, verdict, sequence) : null
      const verified =
        proof !== null && verifyInclusion(proof) && (await client.verifyInclusion(wallet, proof))
      this.#verdict(verified, sequence, proof, verdict.events)
      return { transaction, verified }
    } finally {
      client.stop()
    }
  }

  balances(before: Map<string, bigint>, after: Map<string, bigint>): void {
    this.#heading('Balances, in credits')
    const rows = [...before].map(([name, was]) => {
      const is = after.get(name)!
      const change = is === was ? '0' : `${is > was ? '+' : ''}${formatCredits(is - was)}`
      return [name, formatCredits(was), formatCredits(is), change]
    })
    this.#table(['NODE', 'BEFORE', 'AFTER', 'CHANGE'], rows)
    this.line()
    this.line(
      paint('dim', `The whole took ${((performance.now() - this.#startedAtMs) / 1_000).toFixed(1)} s.`),
    )
  }

  howToGoOn(root: string, page: string): void {
    const shoal = invocation()
    const asking = root === resolve(demoRoot()) ? '' : ` --data ${root}/alice`
    this.line()
    this.line('The network is still running. Its page, which the link opens in alice’s name:')
    this.line(`  ${paint('bold', page)}`)
    this.line('Or in another terminal:')
    const commands = [
      [`${shoal} ask${asking} "Sort 9, 4, 7"`, 'ask alice something else'],
      [`${shoal} ask${asking} -v "What is 17 + 25?"`, 'and see offers, choice and payments'],
      [`${shoal} receipts --data ${root}/bob`, 'what bob has earned, and for what'],
      [`${shoal} audit verify --data ${root}/bob`, 'check bob’s audit log against the chain'],
    ] as const
    this.#lines('  ', properties(commands, 'bold'))
    this.line('Ctrl-C stops everything.')
  }

  #verdict(verified: boolean, sequence: number, proof: InclusionProof | null, events: number): void {
    if (verified && proof !== null) {
      this.#done(
        `The log’s ${events} events are intact, and the contract confirms the receipt, event ${sequence}, under the root ${shortHex(proof.root)} (a proof of ${count(proof.proof.length, 'step')}).`,
      )
    } else {
      this.line(`${paint('red', '✗')} The anchor does not match the audit log.`)
    }
  }

  #heading(text: string): void {
    this.#step++
    this.line()
    this.line(`${paint('cyan', `${this.#step}`)} ${text}`)
  }

  #done(text: string): void {
    this.line(`  ${paint('green', '✓')} ${text}`)
  }

  #doing(text: string): void {
    this.line(`  ${paint('dim', '·')} ${text}`)
  }

  #table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
    const columns = columnsOf(process.stderr, process.env) - INDENT.length
    this.#lines(INDENT, table(head, rows, { columns }))
  }

  #lines(indent: string, text: string): void {
    for (const line of text.split('\n')) this.line(`${indent}${line}`.trimEnd())
  }
}

function whyChosen(chosen: CandidateView, candidates: readonly CandidateView[]): string {
  if (candidates.length < 2) return 'the only offer'
  return wasTriedOut(chosen, candidates)
    ? 'tried out to know more of it, as every twentieth task is'
    : `the best of ${candidates.length} for price, time, size of the model and what alice knows of them`
}

/** The answer as it comes, with the vouchers between the words they pay for. */
class AnswerLines {
  provider = ''
  #open = false
  #tokens = 0
  #firstAtMs = 0
  #lastAtMs = 0

  text(text: string, tokens: number): void {
    const nowMs = performance.now()
    if (this.#tokens === 0) this.#firstAtMs = nowMs
    this.#lastAtMs = nowMs
    this.#tokens += tokens
    if (text === '') return
    process.stderr.write(this.#open ? text : `      ${paint('cyan', '│')} ${text.trimStart()}`)
    this.#open = true
  }

  voucher(cumulativeAmount: string): void {
    this.end()
    process.stderr.write(`      ${paint('dim', `└ voucher: ${cumulativeAmount} credits in all`)}\n`)
  }

  end(): void {
    if (this.#open) process.stderr.write('\n')
    this.#open = false
  }

  tokensPerSecond(): number | null {
    const seconds = (this.#lastAtMs - this.#firstAtMs) / 1_000
    return this.#tokens > 1 && seconds > 0 ? Math.round((this.#tokens - 1) / seconds) : null
  }
}

async function findReceiptEvent(provider: DemoNode, receipt: string): Promise<number> {
  const { events } = await verifyAuditLog({ path: provider.dataDir.auditLog })
  for (let sequence = events; sequence >= 1; sequence--) {
    const event = (await readEvent(provider.dataDir.auditLog, sequence))?.body.event
    if (event?.kind === 'receipt.issued' && event.receipt === receipt) return sequence
  }
  throw new ShoalError('DEMO_STEP_FAILED', 'the receipt is not in the provider’s audit log')
}
