import { conversationPieces } from './rows.ts'
import { dropped, type Piece, type SourceFormat } from './source.ts'

/** What a person wrote to others. */
export interface ChatMessage {
  author: string
  text: string
  /** As its export writes days; one day of one chat is one conversation. */
  day: string
}

/** Of one day; what comes after is another conversation. */
const MAX_CONVERSATION_CHARS = 48_000
const MAX_PEOPLE = 1_000

/**
 * Makes conversations of what people wrote to each other. Where it is known who the owner is, what the owner wrote is
 * the answer to what others wrote; else the whole is text. Others are told apart by a number.
 */
export class PersonChat {
  readonly #me: string | null
  readonly #file: string
  readonly #people = new Map<string, number>()
  #chat = 0
  #part = 0
  #messages: ChatMessage[] = []
  #chars = 0

  constructor(file: string, me: string | null) {
    this.#file = file
    this.#me = me
  }

  *add(message: ChatMessage): Generator<Piece> {
    const last = this.#messages.at(-1)
    if (last !== undefined && (last.day !== message.day || this.#chars > MAX_CONVERSATION_CHARS))
      yield* this.end()
    if (!this.#people.has(message.author) && this.#people.size < MAX_PEOPLE) {
      this.#people.set(message.author, this.#people.size + 1)
      yield { kind: 'person', name: message.author }
    }
    this.#messages.push(message)
    this.#chars += message.text.length
  }

  /** Another chat of the same export begins. */
  *nextChat(): Generator<Piece> {
    yield* this.end()
    this.#chat++
  }

  *end(): Generator<Piece> {
    const messages = this.#messages
    const first = messages[0]
    this.#messages = []
    this.#chars = 0
    if (first === undefined) return
    const group = `${this.#file}#${this.#chat}/${first.day}/${this.#part++}`
    if (this.#me !== null) {
      const turns = messages.map(
        ({ author, text }) => ({ role: author === this.#me ? 'assistant' : 'user', content: text }) as const,
      )
      yield* conversationPieces(turns, group)
      return
    }
    const text = messages
      .map(message => `Person ${this.#people.get(message.author) ?? 0}: ${message.text}`)
      .join('\n')
    yield { kind: 'text', group, text, markdown: false }
  }
}

const IOS =
  /^[\u200e\u200f]?\[(\d{1,4}[./-]\d{1,2}[./-]\d{1,4}),? \d{1,2}[:.]\d{2}(?:[:.]\d{2})?(?:\s?[AaPp]\.?\s?[Mm]\.?)?\] (?:~\s?)?([^:]{1,64}): ([\s\S]*)$/
const ANDROID =
  /^[\u200e\u200f]?(\d{1,4}[./-]\d{1,2}[./-]\d{1,4}),? \d{1,2}[:.]\d{2}(?:[:.]\d{2})?(?:\s?[AaPp]\.?\s?[Mm]\.?)? - (?:([^:]{1,64}): )?([\s\S]*)$/
/** What WhatsApp writes in place of what it did not export. */
const OMITTED =
  /^[\u200e\u200f]?<[^>]{1,40}>$|(?:omitted|weggelassen|ausgeschlossen|omitido|omis|omesso)>?$|^null$/i

/** The first line of a message of WhatsApp's; null for a line that goes on with one, or tells of one. */
export function whatsAppLine(line: string): { day: string; author: string | null; text: string } | null {
  const match = IOS.exec(line) ?? ANDROID.exec(line)
  return match === null ? null : { day: match[1]!, author: match[2] ?? null, text: match[3]! }
}

/** Chats as WhatsApp exports them: a line begins with day, time and who. */
export async function* whatsAppPieces(
  lines: AsyncIterable<string | null>,
  file: string,
  me: string | null,
): AsyncGenerator<Piece> {
  const chat = new PersonChat(file, me)
  let current: ChatMessage | null = null
  for await (const line of lines) {
    if (line === null) {
      yield dropped('too_long', `a line of ${file}`)
      continue
    }
    const begun = whatsAppLine(line)
    if (begun === null) {
      if (current !== null && current.text.length < MAX_CONVERSATION_CHARS) current.text += `\n${line}`
      continue
    }
    if (current !== null) yield* chat.add(current)
    // What the program itself tells (who joined, what is encrypted) has no author.
    current =
      begun.author === null || OMITTED.test(begun.text.trim()) ? null : { ...begun, author: begun.author }
  }
  if (current !== null) yield* chat.add(current)
  yield* chat.end()
}

/** A message of Telegram's `result.json`, of a Discord export or of one of Slack; null for anything else. */
export function exportedMessage(value: unknown): (ChatMessage & { format: SourceFormat }) | null {
  if (typeof value !== 'object' || value === null) return null
  const fields = value as Record<string, unknown>
  const { author } = fields
  if (typeof author === 'object' && author !== null && typeof fields.content === 'string') {
    const { name, nickname } = author as { name?: unknown; nickname?: unknown }
    return message('discord', nickname ?? name, fields.content, String(fields.timestamp ?? '').slice(0, 10))
  }
  if (fields.type !== 'message') return null
  if (typeof fields.ts === 'string' && typeof fields.text === 'string') {
    const profile = fields.user_profile as { real_name?: unknown } | undefined
    const day = new Date(Number(fields.ts) * 1_000)
    return message(
      'slack',
      profile?.real_name ?? fields.user ?? fields.username,
      fields.text.replace(/<@[A-Z0-9]+>/g, '[name]'),
      Number.isNaN(day.getTime()) ? '' : day.toISOString().slice(0, 10),
    )
  }
  if (typeof fields.date === 'string' && 'from' in fields)
    return message('telegram', fields.from, telegramText(fields.text), fields.date.slice(0, 10))
  return null
}

function message(
  format: SourceFormat,
  author: unknown,
  text: string,
  day: string,
): (ChatMessage & { format: SourceFormat }) | null {
  return {
    format,
    author: typeof author === 'string' && author !== '' ? author.slice(0, 64) : 'unknown',
    text: text.slice(0, MAX_CONVERSATION_CHARS),
    day,
  }
}

/** Text, or a list of texts and of what has a form, such as links. */
function telegramText(text: unknown): string {
  if (typeof text === 'string') return text
  if (!Array.isArray(text)) return ''
  return text
    .map(part => (typeof part === 'string' ? part : String((part as { text?: unknown } | null)?.text ?? '')))
    .join('')
}
