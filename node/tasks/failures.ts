import { formatCredits } from '../../protocol/money.ts'
import type { OfferBook } from '../market/offer-book.ts'
import type { ProviderId, Ranking, Unfit } from '../market/routing/candidate.ts'
import type { AskOptions } from './ask.ts'
import { TaskError } from './errors.ts'
import type { AttemptReport, Progress } from './venue.ts'

/** Why nobody can be asked: what ruled the listings out, as the person who asks can change it. */
export function noProvider(ask: AskOptions, { unfit }: Ranking, book: OfferBook): TaskError {
  if (unfit.too_expensive > 0) {
    return new TaskError(
      'TOO_EXPENSIVE',
      `nobody does this for ${formatCredits(ask.maxPrice ?? 0n)} credits`,
      {
        fix: 'Raise --max-price or lower --max-tokens; shoal offers shows the prices.',
        details: { offers: unfit.too_expensive },
      },
    )
  }
  if (unfit.prompt_too_long > 0) return promptTooLong()
  if (unfit.other_kind > 0) {
    return new TaskError('KIND_NOT_OFFERED', `nobody takes a ${ask.input.kind} for this model`, {
      fix: 'Ask for another model with --model; shoal offers shows them. A model without a chat template takes no chats.',
      details: { kind: ask.input.kind, offers: unfit.other_kind },
    })
  }
  const reasons = Object.entries(unfit).filter(([, count]) => count > 0)
  const offered = new Set(
    book.list().flatMap(({ offer }) => offer.models.map(({ model }) => model.split('@')[0]!)),
  )
  if (ask.model !== null && offered.size > 0 && reasons.every(([reason]) => reason === 'other_model')) {
    return new TaskError('MODEL_NOT_OFFERED', `nobody offers the model ${ask.model}`, {
      fix: `Offered are: ${[...offered].slice(0, 8).join(', ')}.`,
      details: { model: ask.model, offered: [...offered].slice(0, 32) },
    })
  }
  const [most] = reasons.filter(([reason]) => reason in FIXES).sort(([, a], [, b]) => b - a)
  if (most !== undefined) {
    return new TaskError('NOTHING_FITS', `nobody fits what is asked for: ${words(most[0])}`, {
      fix: FIXES[most[0] as keyof typeof FIXES]!,
      details: Object.fromEntries(reasons),
    })
  }
  return new TaskError('NO_PROVIDER', 'no provider is known', {
    fix: 'Check shoal peers; give --bootstrap the address of a node you know, or run a provider with shoal up.',
  })
}

const words = (reason: string): string => reason.replaceAll('_', ' ')

/** What lets more of the market in. */
const FIXES: Partial<Record<Unfit, string>> = {
  data_class: 'Take a less guarded --data-class, or name whom you trust in privacy.allow.',
  sla_class: 'Take --sla B, or wait for providers that take this class.',
  region: 'Leave out --region, or give only its beginning.',
  reputation: 'Lower --min-reputation.',
  stake: 'Lower --min-stake, or take --sla A in place of S.',
  quality: 'Lower --min-quality.',
  no_spot: 'Leave out --mode spot: nobody has slots left over.',
  deadline: 'Allow more time with --deadline, or lower --max-tokens.',
  unwelcome: 'Wait: those who offer it have broken the protocol and are left alone for some minutes.',
  circuit_open: 'Wait a moment: those who offer it have failed and are tried again soon.',
}

function promptTooLong(): TaskError {
  return new TaskError('PROMPT_TOO_LONG', 'the prompt is longer than any offered model can read', {
    fix: 'Shorten it, or wait for a provider with a longer context; shoal offers shows them.',
  })
}

/** Attempts that failed, and what that comes to when there is nobody left to ask. */
export class AttemptFailures {
  readonly #failures: { provider: ProviderId; why: string }[] = []
  #unfunded: Error | null = null
  #paid = 0n

  add(provider: ProviderId, why: string, { paid, unfunded }: AttemptReport): void {
    this.#failures.push({ provider, why })
    this.#paid += paid
    // Why no money could be put into the last channel that was wanted.
    this.#unfunded = unfunded ?? this.#unfunded
  }

  error({ outputTokens }: Progress): Error {
    if (this.#unfunded !== null && this.#failures.every(({ why }) => why === 'unfunded'))
      return this.#unfunded
    if (this.#failures.every(({ why }) => why === 'prompt_too_long')) return promptTooLong()
    const tried = this.#failures.map(({ why }) => why.replaceAll('_', ' ')).join(', ')
    return new TaskError('ALL_PROVIDERS_FAILED', `no provider could finish the task: ${tried}`, {
      fix: 'Try again, or wait for other providers; shoal offers lists them.',
      details: {
        failures: this.#failures.map(({ provider, why }) => `${provider.slice(0, 8)}: ${why}`),
        outputTokens,
        paid: formatCredits(this.#paid),
      },
    })
  }
}
