import type { ErrorWords } from '../../../data/api-error.ts'
import type { AskInput } from '../../../data/views.ts'

/** How questions of a conversation are asked; null leaves it to the node. */
export type AskOptions = Pick<
  Required<AskInput>,
  'model' | 'strategy' | 'dataClass' | 'maxPrice' | 'preferredProvider'
>

export interface Attachment {
  name: string
  text: string
}

export interface LogLine {
  atMs: number
  text: string
}

/** What is known of an answer beside its text. Amounts are decimal credits. */
export interface Answer {
  state: 'waiting' | 'streaming' | 'done' | 'stopped' | 'failed'
  taskId: string | null
  provider: string | null
  model: string | null
  promptTokens: number | null
  outputTokens: number
  cost: string | null
  receipts: readonly string[]
  error: ErrorWords | null
  log: readonly LogLine[]
  startedAtMs: number
  firstTextAtMs: number | null
  endedAtMs: number | null
}

export interface Message {
  id: string
  /** Null for the first. */
  parentId: string | null
  role: 'user' | 'assistant'
  text: string
  attachments: readonly Attachment[]
  /** Of an assistant's. */
  answer: Answer | null
}

/** Messages as a tree: asking again, editing and branching add beside, and nothing is lost. */
export interface Conversation {
  id: string
  /** Whose it is: people who share a browser do not see each other's. */
  tenant: string
  title: string
  createdAtMs: number
  updatedAtMs: number
  options: AskOptions
  messages: Readonly<Record<string, Message>>
  /** Which of several continuations of a message is shown; under an empty key, which first message. */
  chosen: Readonly<Record<string, string>>
}

export const NO_OPTIONS: AskOptions = {
  model: null,
  strategy: null,
  dataClass: null,
  maxPrice: null,
  preferredProvider: null,
}

const MAX_TITLE = 60

export function newConversation(
  id: string,
  tenant: string,
  nowMs: number,
  options: AskOptions,
): Conversation {
  return {
    ...{ id, tenant, options, title: '' },
    ...{ createdAtMs: nowMs, updatedAtMs: nowMs, messages: {}, chosen: {} },
  }
}

/** What is shown, from the first message on; up to `tip`, if that is on the way. */
export function pathOf(conversation: Conversation, tip: string | null = null): Message[] {
  const path: Message[] = []
  let key = ''
  for (;;) {
    const message = conversation.messages[conversation.chosen[key] ?? '']
    if (message === undefined) return path
    path.push(message)
    if (message.id === tip) return path
    key = message.id
  }
}

/** Messages from the first to this one, whatever is shown. */
export function pathTo(conversation: Conversation, id: string): Message[] {
  const path: Message[] = []
  for (let at: string | null = id; at !== null; ) {
    const message: Message | undefined = conversation.messages[at]
    if (message === undefined) break
    path.unshift(message)
    at = message.parentId
  }
  return path
}

/** Continuations of the same message, this one among them, in the order they came. */
export function siblingsOf(conversation: Conversation, message: Message): Message[] {
  return Object.values(conversation.messages).filter(
    ({ parentId, role }) => parentId === message.parentId && role === message.role,
  )
}

/** Adds a message and shows it. */
export function withMessage(conversation: Conversation, message: Message): Conversation {
  const isFirst = conversation.title === '' && message.role === 'user'
  const way = message.parentId === null ? [] : pathTo(conversation, message.parentId)
  const chosen = [...way, message].map(({ id, parentId }) => [parentId ?? '', id])
  return {
    ...conversation,
    title: isFirst ? titleOf(message) : conversation.title,
    messages: { ...conversation.messages, [message.id]: message },
    chosen: { ...conversation.chosen, ...Object.fromEntries(chosen) },
  }
}

export function withChange(
  conversation: Conversation,
  id: string,
  change: (message: Message) => Message,
): Conversation {
  const message = conversation.messages[id]
  if (message === undefined) return conversation
  return { ...conversation, messages: { ...conversation.messages, [id]: change(message) } }
}

export function withAnswer(message: Message, change: Partial<Answer>): Message {
  return message.answer === null ? message : { ...message, answer: { ...message.answer, ...change } }
}

/** Answers that were under way when the page was left: nobody waits for them any more. */
export function withoutRunning(conversation: Conversation): Conversation {
  const interrupted: ErrorWords = {
    code: 'PAGE_LEFT',
    message: 'The page was left before the answer had ended.',
    fix: 'Ask again.',
  }
  return Object.values(conversation.messages)
    .filter(({ answer }) => isRunning(answer))
    .reduce(
      (all, { id }) => withChange(all, id, each => withAnswer(each, { state: 'failed', error: interrupted })),
      conversation,
    )
}

export function isRunning(answer: Answer | null): boolean {
  return answer?.state === 'waiting' || answer?.state === 'streaming'
}

/** Attached texts stand before the question, each under its name. */
export function textToSend({ text, attachments }: Message): string {
  const files = attachments.map(({ name, text: content }) => {
    // A fence longer than any in the text, so that the text cannot end it.
    const longest = Math.max(2, ...(content.match(/`{3,}/g) ?? []).map(({ length }) => length))
    const fence = '`'.repeat(longest + 1)
    return `${name}:\n${fence}\n${content}\n${fence}`
  })
  return [...files, text].join('\n\n')
}

function titleOf({ text, attachments }: Message): string {
  const line = text.trim().split('\n')[0] || (attachments[0]?.name ?? '')
  return line.length <= MAX_TITLE ? line : `${line.slice(0, MAX_TITLE - 1).trimEnd()}…`
}
