import type { Conversation } from './corpus/conversation.ts'
import type { Tokenizer } from './tokenizer/tokenizer.ts'

export const END_OF_TEXT = '<|endoftext|>'
export const START = '<|im_start|>'
export const END = '<|im_end|>'
/** Special tokens, in the order of their ids. */
export const SPECIAL_TOKENS = [END_OF_TEXT, START, END] as const

/** ChatML in Jinja, kept to what every interpreter of chat templates knows. */
export const CHAT_TEMPLATE =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"

/** What a token is to the trainer; the numbers are those of `train.py`. */
export const TOKEN_CLASS = { padding: 0, prompt: 1, answer: 2 } as const

export interface EncodedChat {
  tokens: number[]
  classes: number[]
}

/**
 * A conversation as the chat template writes it, with a class for each token: answers, with the token that
 * ends them, are what the model learns to say.
 */
export function encodeChat(tokenizer: Tokenizer, { system, turns }: Conversation): EncodedChat {
  const chat: EncodedChat = { tokens: [], classes: [] }
  const [start, end] = [tokenizer.special(START), tokenizer.special(END)]
  const add = (tokens: readonly number[], kind: number) => {
    for (const token of tokens) {
      chat.tokens.push(token)
      chat.classes.push(kind)
    }
  }
  const newline = tokenizer.encode('\n')
  const prompt = (role: string, content: string) =>
    add([start, ...tokenizer.encode(`${role}\n${content}`), end, ...newline], TOKEN_CLASS.prompt)
  if (system !== undefined) prompt('system', system)
  for (const { user, assistant } of turns) {
    prompt('user', user)
    add([start, ...tokenizer.encode('assistant\n')], TOKEN_CLASS.prompt)
    add([...tokenizer.encode(assistant), end], TOKEN_CLASS.answer)
    add(newline, TOKEN_CLASS.prompt)
  }
  return chat
}
