import assert from 'node:assert/strict'
import {
  CHAT_TEMPLATE,
  END,
  END_OF_TEXT,
  encodeChat,
  SPECIAL_TOKENS,
  START,
  TOKEN_CLASS,
} from '../../../../scripts/embedded-model/chat.ts'
import { Tokenizer } from '../../../../scripts/embedded-model/tokenizer/tokenizer.ts'
import { trainBpe } from '../../../../scripts/embedded-model/tokenizer/train-bpe.ts'

const example = (user: string, assistant: string) => ({
  kind: 'greeting' as const,
  template: '',
  entities: [],
  user,
  assistant,
})

describe('encodeChat', () => {
  const tokenizer = new Tokenizer(trainBpe(['user user assistant assistant'], 262, SPECIAL_TOKENS))
  const chat = encodeChat(tokenizer, {
    system: 'Be kind.',
    turns: [example('Hi', 'Hello!'), example('2+2', '4')],
  })

  it('writes what the chat template writes', () => {
    assert.equal(
      tokenizer.decode(chat.tokens),
      `${START}system\nBe kind.${END}\n` +
        `${START}user\nHi${END}\n${START}assistant\nHello!${END}\n` +
        `${START}user\n2+2${END}\n${START}assistant\n4${END}\n`,
    )
    for (const part of [START, END, 'assistant']) assert.ok(CHAT_TEMPLATE.includes(part))
  })

  it('marks the answers with their ends, and nothing else, as what is learned', () => {
    const learned = chat.tokens.filter((_, index) => chat.classes[index] === TOKEN_CLASS.answer)
    assert.equal(tokenizer.decode(learned), `Hello!${END}4${END}`)
    assert.equal(chat.classes.length, chat.tokens.length)
    assert.ok(!chat.classes.includes(TOKEN_CLASS.padding))
    assert.ok(!chat.tokens.includes(tokenizer.special(END_OF_TEXT)))
  })
})
