import { readableCredits } from '../../../../../readable.ts'
import { describeError } from '../../../data/api-error.ts'
import { Store } from '../../../data/store.ts'
import type { AskEventView } from '../../../data/views.ts'
import { shortId } from '../../../design/value.tsx'
import { askStream, stopAnswer } from './ask-stream.ts'
import {
  type Answer,
  type AskOptions,
  type Attachment,
  type Conversation,
  type Message,
  NO_OPTIONS,
  newConversation,
  pathOf,
  pathTo,
  textToSend,
  withAnswer,
  withChange,
  withMessage,
  withoutRunning,
} from './conversation.ts'
import { type ConversationDb, type ConversationSummary, summaryOf } from './conversation-db.ts'

export interface AskState {
  conversation: Conversation
  /** A message after which a new branch is about to begin; null shows all. */
  tip: string | null
  list: readonly ConversationSummary[]
  /** Whether this browser keeps conversations. */
  isKept: boolean
}

interface Run {
  conversationId: string
  messageId: string
  taskId: string | null
  abort: AbortController
  /** The person has asked it to stop. */
  isStopping: boolean
  /** Come since the screen was drawn last. */
  text: string
  tokens: number
  cost: string | null
  frame: number | null
}

/** A stop that the node does not answer is done without it. */
const STOP_WITHIN_MS = 5_000
/** What has come is kept at least so often, in case the page is left. */
const KEEP_EVERY_MS = 2_000

/** The conversations of a person: what is asked, what comes back, and where it is kept. */
export class AskSession {
  readonly state: Store<AskState>
  readonly #db: ConversationDb
  readonly #tenant: string
  /** Answers under way, by conversation: each goes on while another is looked at. */
  readonly #runs = new Map<string, Run>()
  readonly #background = new Map<string, Conversation>()
  readonly #keptAtMs = new Map<string, number>()
  /** What is still on its way for these is kept no more. */
  readonly #removed = new Set<string>()

  constructor(options: { tenant: string; askOptions?: AskOptions }, modules: { db: ConversationDb }) {
    this.#tenant = options.tenant
    this.#db = modules.db
    const conversation = this.#empty(options.askOptions ?? NO_OPTIONS)
    this.state = new Store<AskState>({ conversation, tip: null, list: [], isKept: true })
  }

  /** Looks up what is kept. */
  async load(): Promise<void> {
    try {
      this.#set({ list: await this.#db.list(this.#tenant) })
    } catch {
      this.#set({ isKept: false })
    }
  }

  create(): void {
    const { conversation } = this.state.get()
    this.#leave()
    this.#set({ conversation: this.#empty(conversation.options), tip: null })
  }

  async open(id: string): Promise<void> {
    if (this.state.get().conversation.id === id) return
    const running = this.#background.get(id)
    const found = running ?? (await this.#db.get(id))
    if (found === null || found.tenant !== this.#tenant) return
    this.#leave()
    this.#background.delete(id)
    this.#set({ conversation: running ?? withoutRunning(found), tip: null })
  }

  async remove(id: string): Promise<void> {
    this.#removed.add(id)
    this.#runs.get(id)?.abort.abort()
    await this.#db.remove(id)
    if (this.state.get().conversation.id === id) this.create()
    this.#background.delete(id)
    await this.load()
  }

  setOptions(change: Partial<AskOptions>): void {
    const { conversation } = this.state.get()
    this.#update(conversation.id, each => ({ ...each, options: { ...each.options, ...change } }))
  }

  /** Asks after what is shown. */
  send(text: string, attachments: readonly Attachment[] = []): void {
    const { conversation, tip } = this.state.get()
    const parent = pathOf(conversation, tip).at(-1)?.id ?? null
    this.#question(parent, text, attachments)
  }

  /** Asks something else in place of a question; what was stays beside it. */
  edit(id: string, text: string): void {
    const message = this.state.get().conversation.messages[id]
    if (message !== undefined) this.#question(message.parentId, text, message.attachments)
  }

  /** Has a question answered once more, of another provider or model if so wished. */
  retry(answerId: string, change: Partial<AskOptions> = {}): void {
    const { conversation } = this.state.get()
    const message = conversation.messages[answerId]
    if (message?.parentId == null) return
    this.#answer(message.parentId, change)
  }

  /** The next question goes on from this message. */
  branch(id: string | null): void {
    this.#set({ tip: id })
  }

  /** Shows another continuation. */
  choose(message: Message): void {
    const { conversation } = this.state.get()
    this.#update(conversation.id, each => ({
      ...each,
      chosen: { ...each.chosen, [message.parentId ?? '']: message.id },
    }))
    this.#set({ tip: null })
    void this.#keep(conversation.id)
  }

  /** Ends the answer under way, with what has come. */
  stop(): void {
    const run = this.#runs.get(this.state.get().conversation.id)
    if (run === undefined || run.isStopping) return
    run.isStopping = true
    if (run.taskId === null) run.abort.abort()
    else void stopAnswer(run.taskId).catch(() => run.abort.abort())
    setTimeout(() => run.abort.abort(), STOP_WITHIN_MS)
  }

  #question(parentId: string | null, text: string, attachments: readonly Attachment[]): void {
    const { conversation } = this.state.get()
    if (this.#runs.has(conversation.id)) return
    const message: Message = { id: newId(), parentId, role: 'user', text, attachments, answer: null }
    this.#set({ tip: null })
    this.#update(conversation.id, each => withMessage(each, message))
    this.#answer(message.id, {})
  }

  #answer(questionId: string, change: Partial<AskOptions>): void {
    const { conversation } = this.state.get()
    if (this.#runs.has(conversation.id)) return
    const message: Message = {
      ...{ id: newId(), parentId: questionId, role: 'assistant', text: '', attachments: [] },
      answer: beginning(),
    }
    this.#set({ tip: null })
    this.#update(conversation.id, each => withMessage(each, message))
    const run: Run = {
      ...{ conversationId: conversation.id, messageId: message.id, taskId: null },
      ...{ abort: new AbortController(), isStopping: false, text: '', tokens: 0, cost: null, frame: null },
    }
    this.#runs.set(conversation.id, run)
    void this.#run(run, questionId, { ...conversation.options, ...change })
  }

  async #run(run: Run, questionId: string, options: AskOptions): Promise<void> {
    const conversation = this.#find(run.conversationId)!
    const messages = pathTo(conversation, questionId).map(message => ({
      role: message.role,
      text: textToSend(message),
    }))
    await this.#keep(run.conversationId)
    try {
      await askStream(
        { messages, ...options },
        { signal: run.abort.signal, onEvent: event => this.#take(run, event) },
      )
    } catch (error) {
      this.#flush(run)
      const words = describeError(error)
      this.#change(run, run.isStopping ? { state: 'stopped' } : { state: 'failed', error: words })
      this.#log(run, run.isStopping ? 'Stopped.' : `${words.code ?? 'Error'}: ${words.message}`)
    }
    this.#change(run, { endedAtMs: Date.now() })
    this.#runs.delete(run.conversationId)
    await this.#keep(run.conversationId)
    this.#background.delete(run.conversationId)
    // What other tabs have kept meanwhile.
    await this.load()
  }

  #take(run: Run, event: AskEventView): void {
    if (event.type === 'text' || event.type === 'cost') {
      if (event.type === 'text') {
        run.text += event.text
        run.tokens += event.tokens
      } else run.cost = event.amount
      // As often as the screen is drawn, however many tokens come.
      run.frame ??= requestAnimationFrame(() => this.#flush(run))
      return
    }
    this.#flush(run)
    switch (event.type) {
      case 'started':
        run.taskId = event.taskId
        this.#change(run, { taskId: event.taskId })
        if (run.isStopping) void stopAnswer(event.taskId).catch(() => run.abort.abort())
        this.#log(run, `Task ${event.taskId} begins.`)
        break
      case 'provider': {
        const { provider, model, inputPerMillion, outputPerMillion } = event
        this.#change(run, { provider, model })
        this.#log(
          run,
          `${shortId(provider)} does it with ${model.split('@')[0]}: ${readableCredits(inputPerMillion)} credits for a million prompt tokens, ${readableCredits(outputPerMillion)} for a million output tokens.`,
        )
        break
      }
      case 'failover':
        this.#log(run, `${shortId(event.from)} fails (${event.why}); another goes on.`)
        break
      case 'receipt':
        this.#change(run, answer => ({ receipts: [...answer.receipts, event.receipt] }))
        this.#log(run, `Receipt ${event.receipt}.`)
        break
      case 'done': {
        const { promptTokens, outputTokens, provider, model, cost, receipts } = event
        const isStopped = event.finish === 'cancelled'
        this.#change(run, {
          ...{ promptTokens, outputTokens, provider, model, cost, receipts },
          state: isStopped ? 'stopped' : 'done',
        })
        this.#log(
          run,
          `${isStopped ? 'Stopped' : event.finish === 'length' ? 'Ended at the longest allowed' : 'Done'}: ${promptTokens} + ${outputTokens} tokens, ${readableCredits(cost)} credits.`,
        )
      }
    }
  }

  #flush(run: Run): void {
    if (run.frame !== null) cancelAnimationFrame(run.frame)
    const { text, tokens, cost } = run
    Object.assign(run, { frame: null, text: '', tokens: 0, cost: null })
    if (text === '' && cost === null) return
    this.#update(run.conversationId, each =>
      withChange(each, run.messageId, message => {
        const answer = message.answer!
        return withAnswer(
          { ...message, text: message.text + text },
          {
            state: text === '' ? answer.state : 'streaming',
            outputTokens: answer.outputTokens + tokens,
            firstTextAtMs: answer.firstTextAtMs ?? (text === '' ? null : Date.now()),
            cost: cost ?? answer.cost,
          },
        )
      }),
    )
    const keptAtMs = this.#keptAtMs.get(run.conversationId) ?? 0
    if (Date.now() - keptAtMs > KEEP_EVERY_MS) void this.#keep(run.conversationId)
  }

  #log(run: Run, text: string): void {
    this.#change(run, ({ log }) => ({ log: [...log, { atMs: Date.now(), text }] }))
  }

  #change(run: Run, change: Partial<Answer> | ((answer: Answer) => Partial<Answer>)): void {
    this.#update(run.conversationId, each =>
      withChange(each, run.messageId, message =>
        withAnswer(message, typeof change === 'function' ? change(message.answer!) : change),
      ),
    )
  }

  #find(id: string): Conversation | undefined {
    const { conversation } = this.state.get()
    return conversation.id === id ? conversation : this.#background.get(id)
  }

  #update(id: string, change: (conversation: Conversation) => Conversation): void {
    const { conversation } = this.state.get()
    const other = this.#background.get(id)
    if (conversation.id === id) this.#set({ conversation: change(conversation) })
    else if (other !== undefined) this.#background.set(id, change(other))
  }

  #set(change: Partial<AskState>): void {
    this.state.set({ ...this.state.get(), ...change })
  }

  /** What is shown no more goes on behind, if it is being answered. */
  #leave(): void {
    const { conversation } = this.state.get()
    if (this.#runs.has(conversation.id)) this.#background.set(conversation.id, conversation)
  }

  #empty(options: AskOptions): Conversation {
    return newConversation(newId(), this.#tenant, Date.now(), { ...options, preferredProvider: null })
  }

  async #keep(id: string): Promise<void> {
    const conversation = this.#find(id)
    if (conversation === undefined || Object.keys(conversation.messages).length === 0) return
    if (this.#removed.has(id)) return
    this.#keptAtMs.set(id, Date.now())
    try {
      const now = { ...conversation, updatedAtMs: Date.now() }
      const dropped = await this.#db.put(now)
      if (this.#removed.has(id)) return
      const others = this.state.get().list.filter(each => each.id !== id && each.id !== dropped)
      this.#set({ list: [summaryOf(now), ...others], isKept: true })
    } catch {
      this.#set({ isKept: false })
    }
  }
}

function beginning(): Answer {
  return {
    ...{ state: 'waiting', taskId: null, provider: null, model: null, promptTokens: null, outputTokens: 0 },
    ...{ cost: null, receipts: [], error: null, log: [] },
    ...{ startedAtMs: Date.now(), firstTextAtMs: null, endedAtMs: null },
  }
}

function newId(): string {
  // Served over plain HTTP to another machine, a page has no `crypto.randomUUID`.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), byte =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
}
