import { ShoalError } from '../../protocol/errors.ts'
import type { NodeSigner } from '../../protocol/identity.ts'
import type { Address, Bytes32, ModelId, NodeKey } from '../../protocol/ids.ts'
import type { TaskRequest } from '../../protocol/messages/task-request.ts'
import { isReplicated } from '../../protocol/sla-class.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from '../log.ts'
import { type Clearance, ClearanceError } from '../market/clearance.ts'
import type { OfferBook } from '../market/offer-book.ts'
import type { Candidate } from '../market/routing/candidate.ts'
import { FEATURE } from '../market/routing/features.ts'
import { P2PError, type Violation } from '../p2p/errors.ts'
import type { P2PHost } from '../p2p/host.ts'
import { PaymentError, type PaymentErrorCode } from '../payments/errors.ts'
import type { ChannelLease, PayerChannels } from '../payments/payer-channels.ts'
import { Attempt, type AttemptOptions } from './attempt.ts'
import { taskProtocol } from './protocol.ts'
import type { ReceiptBook } from './receipt-book.ts'
import { remainingInput } from './remaining-input.ts'
import type { AttemptOrder, AttemptReport, TryOutcome, Venue } from './venue.ts'

export interface PeerVenueOptions {
  self: NodeKey
  wallet: Address
  creditWindowTokens: number
  stallTimeoutMs: number
}

export interface PeerVenueModules {
  host: P2PHost
  book: OfferBook
  channels: PayerChannels
  clearance: Clearance
  receipts: ReceiptBook
  signer: NodeSigner
  clock: Clock
  log: Logger
  /** Digest of a model's chat template; null where it has none, undefined where we do not know. */
  chatTemplateOf: (model: ModelId) => Bytes32 | null | undefined
  onViolation: (peer: NodeKey, violation: Violation) => void
}

const DIAL_TIMEOUT_MS = 4_000

/** Too little of ours for one provider. */
const UNFUNDED: ReadonlySet<PaymentErrorCode> = new Set(['SPENDING_LIMIT', 'WALLET_EMPTY'])

/** Attempts at other nodes, paid from channels. */
export class PeerVenue implements Venue {
  readonly #options: PeerVenueOptions
  readonly #modules: PeerVenueModules

  constructor(options: PeerVenueOptions, modules: PeerVenueModules) {
    this.#options = options
    this.#modules = modules
  }

  async run(order: AttemptOrder, signal: AbortSignal): Promise<AttemptReport> {
    const { host, channels, clearance, receipts, signer, clock, onViolation, log } = this.#modules
    const { choice, maxAmount, onEvent } = order
    const { candidate, price } = choice
    const { provider, prediction } = candidate
    const offer = candidate.offer!
    let lease: ChannelLease | null = null
    const report = (outcome: TryOutcome): AttemptReport => ({ outcome, paid: lease?.paid ?? 0n })
    try {
      // First the connection: no money goes into a channel to somebody who does not answer.
      await this.#connect(provider, signal)
      lease = await channels.acquire({
        payee: offer.offer.wallet,
        needed: maxAmount,
        minRemainingMs: offer.offer.minChannelRemainingMs,
        reliability: earned(candidate),
        onOpening: opening => onEvent({ type: 'funding', ...opening }),
      })
      onEvent({ type: 'channel', channelId: lease.channelId })
      if (signal.aborted) return report({ kind: 'cancelled' })
      const opening = AbortSignal.timeout(this.#options.stallTimeoutMs)
      const frames = await host.openStream(provider, taskProtocol, AbortSignal.any([signal, opening]))
      const run = new Attempt(
        {
          request: clearance.clear(this.#request(order, lease), candidate),
          offer,
          price,
          creditWindowTokens: this.#options.creditWindowTokens,
          stallTimeoutMs: this.#options.stallTimeoutMs,
          expected: prediction,
          promptTokensBound: order.promptTokensBound,
          maxAmount,
          ...this.#known(candidate.model.model),
          self: this.#options.self,
          wallet: this.#options.wallet,
          ...coverOf(order),
        },
        { frames, lease, receipts, signer, clock, log, onViolation, onEvent },
      )
      return report(await run.run(signal))
    } catch (error) {
      if (signal.aborted) return report({ kind: 'cancelled' })
      if (error instanceof PaymentError && UNFUNDED.has(error.code))
        // Somebody else may have a channel with enough in it, or ask for less.
        return { ...report({ kind: 'failed', why: 'unfunded' }), unfunded: error }
      if (error instanceof ClearanceError) return report({ kind: 'failed', why: 'not_cleared' })
      if (error instanceof P2PError) {
        log.debug({ err: error, provider }, 'a provider could not be reached')
        return report({ kind: 'failed', why: 'disconnected' })
      }
      if (!(error instanceof ShoalError)) log.error({ err: error }, 'an attempt broke')
      throw error
    } finally {
      lease?.release()
    }
  }

  isReady(candidate: Candidate, { maxAmount }: { maxAmount: bigint }): boolean {
    const { wallet, minChannelRemainingMs } = candidate.offer!.offer
    const { host, channels } = this.#modules
    return (
      host.isConnected(candidate.provider) &&
      channels.canPay({ payee: wallet, needed: maxAmount, minRemainingMs: minChannelRemainingMs })
    )
  }

  async prepare(
    candidate: Candidate,
    options: { maxAmount: bigint | null },
    signal: AbortSignal,
  ): Promise<boolean> {
    const { channels, log } = this.#modules
    const { provider } = candidate
    const { wallet, minChannelRemainingMs } = candidate.offer!.offer
    try {
      await this.#connect(provider, signal)
      if (options.maxAmount === null) return true
      const lease = await channels.acquire({
        payee: wallet,
        needed: options.maxAmount,
        minRemainingMs: minChannelRemainingMs,
        reliability: earned(candidate),
      })
      lease.release()
      return true
    } catch (error) {
      log.debug({ err: error, provider }, 'nobody could be made ready to stand by')
      return false
    }
  }

  #known(model: ModelId): { chatTemplate?: Bytes32 | null } {
    const chatTemplate = this.#modules.chatTemplateOf(model)
    return chatTemplate === undefined ? {} : { chatTemplate }
  }

  async #connect(provider: NodeKey, signal: AbortSignal): Promise<void> {
    const { host, book } = this.#modules
    if (host.isConnected(provider)) return
    await host.addAddresses(provider, book.of(provider)?.offer.addresses ?? [])
    await host.dialPeer(provider, AbortSignal.any([signal, AbortSignal.timeout(DIAL_TIMEOUT_MS)]))
  }

  #request(order: AttemptOrder, lease: ChannelLease): TaskRequest {
    const { ask, choice, progress } = order
    const { candidate, award, mode } = choice
    const { input, sampling, stop, jsonSchema, logprobs, preferences } = ask
    const { text, tokens } = progress
    const hasOutput = text !== '' || tokens.length > 0
    const sameModel = progress.model === candidate.model.model
    return {
      kind: 'request',
      taskId: order.taskId,
      attempt: order.attempt,
      offer: candidate.offer!.cid,
      award,
      mode,
      slaClass: preferences.slaClass,
      dataClass: preferences.dataClass,
      deadlineMs:
        order.deadlineAtMs === null ? null : Math.max(0, order.deadlineAtMs - this.#modules.clock.nowMs()),
      model: candidate.model.model,
      input: remainingInput(input, progress),
      continuation: hasOutput ? { text, tokens: sameModel ? [...tokens] : [] } : null,
      maxTokens: order.maxTokens,
      sampling,
      stop,
      jsonSchema,
      // What is compared is sealed, and shows no chances.
      ...(logprobs === undefined || isReplicated(preferences.slaClass) ? {} : { logprobs }),
      payment: { payer: this.#options.wallet, channelId: lease.channelId, voucher: lease.voucher() },
    }
  }
}

function coverOf({ ask, attempt, choice }: AttemptOrder): Pick<AttemptOptions, 'cover'> {
  const { cover } = ask
  if (cover === undefined) return {}
  const { provider, model } = choice.candidate
  return {
    cover: (amount, metered) => cover({ attempt, provider, model: model.model, amount, ...metered }),
  }
}

/** What a provider has earned of a whole deposit: a stranger nothing, however well strangers do. */
function earned({ features, prediction }: Candidate): number {
  return features[FEATURE.newcomer]! > 0 ? 0 : prediction.reliability
}
